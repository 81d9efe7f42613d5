/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

static int32_t verify(void *self_of_inst, struct pintle_call *call)
{
	const struct base *self = self_of_inst;
	const struct pintle_query query = {
#ifdef FIXED
		.size = sizeof(query),
#endif
		.sql = "SELECT count(*) FROM users",
	};
	int32_t status = self->host->db_query(call, &query);

	return status == PINTLE_OK ? base_verify(self_of_inst, call) : status;
}

#define VERIFY verify
#include "end.h"
