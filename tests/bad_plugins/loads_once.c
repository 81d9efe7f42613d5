/* SPDX-License-Identifier: Apache-2.0 */
/* Crashes while it is loaded, once there is a file "fatal" in the folder that the server was started in. */
#include "skeleton.h"

#include <signal.h>
#include <unistd.h>

__attribute__((constructor)) static void crash(void)
{
	if (access("fatal", F_OK) == 0)
		(void)raise(SIGSEGV);
}

/* Several sections may have these. */
static const char *const namespaces[] = { "once:*", NULL };

static const struct pintle_provider provider = {
	SKELETON_PROVIDER(namespaces),
	.verify = skeleton_verify,
};

static const struct pintle_route routes[] = {
	{ "POST", "/api/loads-once", PINTLE_TO_VERIFY, PINTLE_LOGIN, NULL, NULL, NULL,
	  "Its own path" },
};

static const struct pintle_api api = {
	.size = sizeof(api),
	PINTLE_ROUTES(routes),
};

static const struct pintle_plugin plugin = {
	SKELETON_PLUGIN("loads_once"),
	.provider = &provider,
	.api = &api,
};

PINTLE_PLUGIN(plugin)
