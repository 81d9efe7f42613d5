/* SPDX-License-Identifier: Apache-2.0 */
/* What a flow shows its opener, read from the key-value store without waiting. */
#ifndef FLOW_LOOK_H
#define FLOW_LOOK_H

#include "kv.h"

struct flow_sight {
	int32_t status; /* OK; NOT_FOUND: it is over or there was none; or a fault */
	const char
		*state; /* "pending", "scanned", "confirmed", "failed"; one pointer each, lasting */
	int64_t expires_ms;
	char waits_for[48]; /* the section that can tell how far it is; "": it is decided */
};

typedef void flow_seen(void *ctx, const struct flow_sight *sight);

/* [loop] seen is called once, maybe before this returns. */
void flow_look(const struct kv *kv, const char *id, flow_seen *seen, void *ctx);

#endif
