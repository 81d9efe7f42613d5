/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

static int32_t begin(void *self_of_inst, struct pintle_call *call)
{
	const struct pintle_host *host = ((const struct base *)self_of_inst)->host;
	int32_t status = host->db_begin(call);

	if (status != PINTLE_OK)
		return status;
#ifdef FIXED
	status = host->db_commit(call);
	return status == PINTLE_OK ? base_begin(self_of_inst, call) : status;
#else
	status = base_begin(self_of_inst, call);
	if (status == PINTLE_OK)
		return host->db_commit(call);
	host->db_rollback(call);
	return status;
#endif
}

#define BEGIN begin
#include "end.h"
