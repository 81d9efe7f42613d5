/* SPDX-License-Identifier: Apache-2.0 */
#include "later.h"

static void finish(struct later *later, int32_t status)
{
	const struct pintle_host *host = ((const struct base *)later->self)->host;

#ifdef FIXED
	host->detail(later->call, "ends");
	host->done(later->call, status);
#else
	host->done(later->call, status);
	host->detail(later->call, "has ended");
#endif
}

#include "end.h"
