/* SPDX-License-Identifier: Apache-2.0 */
/* Names an address beside the number without having said that it vouches for it. */
#include "base.h"

static int32_t open_named(const struct pintle_host *host, struct pintle_inst *inst,
			  const void *conf, void **self_out, char *err, size_t err_len)
{
#ifdef FIXED
	const char *const vouches[] = { "email", NULL };
#else
	const char *const vouches[] = { NULL };
#endif
	const struct pintle_description description = { .size = sizeof(description),
							.vouches = vouches };
	int32_t status = host->describe_instance(inst, &description);

	return status == PINTLE_OK ? base_open(host, inst, conf, self_out, err, err_len) : status;
}

static int32_t verify(void *self_of_inst, struct pintle_call *call)
{
	const struct base *self = self_of_inst;
	int32_t status = base_verify(self_of_inst, call);

	return status == PINTLE_OK ? self->host->also(call, "email", "ada@example.com") : status;
}

#define OPEN open_named
#define VERIFY verify
#include "end.h"
