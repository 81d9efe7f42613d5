/* SPDX-License-Identifier: Apache-2.0 */
#include "later.h"

static void finish(struct later *later, int32_t status)
{
	const struct pintle_host *host = ((const struct base *)later->self)->host;

	host->done(later->call, status);
#ifndef FIXED
	if (PINTLE_IS_DENIAL(status))
		host->done(later->call, PINTLE_OK);
#endif
}

#include "end.h"
