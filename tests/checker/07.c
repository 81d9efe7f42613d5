/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

static int is_open;

static int32_t open_once(const struct pintle_host *host, struct pintle_inst *inst, const void *conf,
			 void **self_out, char *err, size_t err_len)
{
#ifndef FIXED
	if (is_open) {
		(void)snprintf(err, err_len, "it is open already");
		return PINTLE_INVALID;
	}
#endif
	is_open = 1;
	return base_open(host, inst, conf, self_out, err, err_len);
}

#define OPEN open_once
#include "end.h"
