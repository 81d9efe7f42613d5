/* SPDX-License-Identifier: Apache-2.0 */
/* Says that identities are its own which its plugin does not declare. */
#include "base.h"

#ifdef FIXED
#define NAMED "phone"
#else
#define NAMED "email"
#endif

static int32_t open_named(const struct pintle_host *host, struct pintle_inst *inst,
			  const void *conf, void **self_out, char *err, size_t err_len)
{
	const char *const namespaces[] = { NAMED, NULL };
	const struct pintle_description description = { .size = sizeof(description),
							.namespaces = namespaces };
	int32_t status = host->describe_instance(inst, &description);

	return status == PINTLE_OK ? base_open(host, inst, conf, self_out, err, err_len) : status;
}

#define OPEN open_named
#include "end.h"
