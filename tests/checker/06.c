/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

static int32_t open_picky(const struct pintle_host *host, struct pintle_inst *inst,
			  const void *conf, void **self_out, char *err, size_t err_len)
{
	if (((const struct conf *)conf)->number == 5) {
#ifdef FIXED
		(void)snprintf(err, err_len, "number must not be 5");
#endif
		return PINTLE_INVALID;
	}
	return base_open(host, inst, conf, self_out, err, err_len);
}

#define OPEN open_picky
#include "end.h"
