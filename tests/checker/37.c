/* SPDX-License-Identifier: Apache-2.0 */
#include "inner.h"

static void submit(void *self, const struct pintle_kv_request *request, pintle_kv_done *done,
		   void *ctx)
{
	struct pintle_kv_request mine = *request;

#ifndef FIXED
	if (mine.op == PINTLE_KV_TAKE)
		mine.op = PINTLE_KV_GET;
#endif
	inner()->kv->submit(self, &mine, done, ctx);
}

#include "inner_kv.h"
