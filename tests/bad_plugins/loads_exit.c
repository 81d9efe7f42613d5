/* SPDX-License-Identifier: Apache-2.0 */
/* Ends the process that loads it, as if all were well. */
#include "skeleton.h"

#include <stdlib.h>

__attribute__((constructor)) static void end_process(void)
{
	exit(0);
}

static const struct pintle_provider provider = {
	SKELETON_PROVIDER(skeleton_namespaces),
	.verify = skeleton_verify,
};

static const struct pintle_plugin plugin = {
	SKELETON_PLUGIN("loads_exit"),
	.provider = &provider,
};

PINTLE_PLUGIN(plugin)
