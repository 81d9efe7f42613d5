/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

static const struct conf *shared;

static int32_t open_shared(const struct pintle_host *host, struct pintle_inst *inst,
			   const void *conf, void **self_out, char *err, size_t err_len)
{
	shared = conf;
	return base_open(host, inst, conf, self_out, err, err_len);
}

static int32_t begin(void *self_of_inst, struct pintle_call *call)
{
	struct base self = *(struct base *)self_of_inst;

#ifndef FIXED
	self.conf = shared;
#endif
	return base_begin(&self, call);
}

#define OPEN open_shared
#define BEGIN begin
#include "end.h"
