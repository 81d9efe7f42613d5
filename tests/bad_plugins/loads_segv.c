/* SPDX-License-Identifier: Apache-2.0 */
/* Crashes while it is loaded. */
#include "skeleton.h"

#include <signal.h>

__attribute__((constructor)) static void crash(void)
{
	(void)raise(SIGSEGV);
}

static const struct pintle_provider provider = {
	SKELETON_PROVIDER(skeleton_namespaces),
	.verify = skeleton_verify,
};

static const struct pintle_plugin plugin = {
	SKELETON_PLUGIN("loads_segv"),
	.provider = &provider,
};

PINTLE_PLUGIN(plugin)
