/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

#ifdef FIXED
#define ROOM 256
#else
#define ROOM 24
#endif

static int32_t open_copy(const struct pintle_host *host, struct pintle_inst *inst, const void *conf,
			 void **self_out, char *err, size_t err_len)
{
	const char *word = ((const struct conf *)conf)->word;
	volatile char copy[ROOM];

	for (size_t i = 0; i <= strlen(word); i++)
		copy[i] = word[i];
	return copy[0] ? base_open(host, inst, conf, self_out, err, err_len) : PINTLE_INTERNAL;
}

#define OPEN open_copy
#include "end.h"
