/* SPDX-License-Identifier: Apache-2.0 */
/* Built for an ABI that no host has yet: the host may look at nothing but the two numbers. */
#include "skeleton.h"

static const struct pintle_plugin plugin = {
	.size = sizeof(plugin),
	.abi = PINTLE_ABI + 7,
	.name = (const char *)8,
};

PINTLE_PLUGIN(plugin)
