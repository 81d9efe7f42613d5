/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What things are called in Redis: records are PREFIX EPOCH ":" KEY, so that nothing of an earlier epoch
 * can be seen; channels are PREFIX "bus:" DATABASE ":" NAME, since channels know no databases.
 */
#ifndef NAMES_H
#define NAMES_H

#include "base.h"

#define EPOCH_LEN 16
#define PREFIX_MAX 64

struct names {
	char record[PREFIX_MAX + EPOCH_LEN + 2]; /* what stands before a key */
	char channel[PREFIX_MAX + 32];           /* and before a channel */
	char epoch_key[PREFIX_MAX + 16], epoch_of_key[PREFIX_MAX + 16];
	size_t record_len, channel_len;
	char epoch[EPOCH_LEN + 1]; /* empty: not known yet */
};

void names_init(struct names *names, const struct conf *conf);
void names_set_epoch(struct names *names, const struct conf *conf, const char epoch[EPOCH_LEN + 1]);

#endif
