/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tickets: public names of flows, for links, pictures and the state of an upstream. The key-value store
 * has "fk:<keyed hash of section and ticket>" with the flow's id, so neither the store nor a ticket leads
 * to the flow by itself.
 */
#ifndef TICKET_H
#define TICKET_H

#include "flow.h"

#define TICKET_LEN (1 + RNG_WORD_LEN)

struct ticket {
	char text[TICKET_LEN + 1]; /* letters and digits */
};

/* [any] False: no random source. */
bool ticket_make(bool is_once, struct ticket *out);
/* [worker] Makes it good for the stored flow, as long as that lives. */
int32_t ticket_store(const struct flows *flows, struct arena *arena, const struct ticket *ticket,
		     const struct flow *flow, int64_t deadline_ms);
/* [worker] The live flow that text, which comes from anybody, names in that instance; one that is good
 * once is taken. NOT_FOUND. out is the caller's to fini when OK. */
int32_t ticket_open(const struct flows *flows, struct arena *arena, const char *instance,
		    const char *text, int64_t deadline_ms, struct flow *out);

#endif
