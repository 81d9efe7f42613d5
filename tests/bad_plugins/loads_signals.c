/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the host's signal handlers away while it is loaded. */
#include "skeleton.h"

#include <signal.h>

__attribute__((constructor)) static void take_signals(void)
{
	(void)signal(SIGTERM, SIG_IGN);
}

static const struct pintle_provider provider = {
	SKELETON_PROVIDER(skeleton_namespaces),
	.verify = skeleton_verify,
};

static const struct pintle_plugin plugin = {
	SKELETON_PLUGIN("loads_signals"),
	.provider = &provider,
};

PINTLE_PLUGIN(plugin)
