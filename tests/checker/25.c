/* SPDX-License-Identifier: Apache-2.0 */
#include "later.h"

static void finish(struct later *later, int32_t status)
{
	const struct pintle_host *host = ((const struct base *)later->self)->host;

#ifndef FIXED
	if (status == PINTLE_DENIED)
		return;
#endif
	host->done(later->call, status);
}

#include "end.h"
