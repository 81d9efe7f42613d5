/* SPDX-License-Identifier: Apache-2.0 */
#include "names.h"

#include <stdio.h>
#include <string.h>

void names_init(struct names *names, const struct conf *conf)
{
	*names = (struct names){ 0 };
	(void)snprintf(names->epoch_key, sizeof(names->epoch_key), "%sepoch", conf->prefix);
	(void)snprintf(names->epoch_of_key, sizeof(names->epoch_of_key), "%sepoch:of",
		       conf->prefix);
	names->channel_len =
		(size_t)snprintf(names->channel, sizeof(names->channel),
				 "%sbus:%lld:", conf->prefix, (long long)conf->database);
}

void names_set_epoch(struct names *names, const struct conf *conf, const char epoch[EPOCH_LEN + 1])
{
	memcpy(names->epoch, epoch, sizeof(names->epoch));
	names->record_len = (size_t)snprintf(names->record, sizeof(names->record),
					     "%s%s:", conf->prefix, epoch);
}
