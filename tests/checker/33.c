/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

static void tidy(void *arg)
{
	(void)arg;
}

static int32_t open_tidy(const struct pintle_host *host, struct pintle_inst *inst, const void *conf,
			 void **self_out, char *err, size_t err_len)
{
	int32_t status = base_open(host, inst, conf, self_out, err, err_len);

	if (status != PINTLE_OK)
		return status;
	status = host->every(inst, 1000, tidy, *self_out);
#ifdef FIXED
	if (status != PINTLE_OK)
		free(*self_out);
	return status;
#else
	return PINTLE_OK;
#endif
}

#define OPEN open_tidy
#include "end.h"
