/* SPDX-License-Identifier: Apache-2.0 */
/* A descriptor that ends before its kinds begin. */
#include "skeleton.h"

static const struct pintle_plugin plugin = {
	.size = offsetof(struct pintle_plugin, opts),
	.abi = PINTLE_ABI,
	.name = "short_plugin",
	.version = "1",
	.summary = "Breaks a rule",
};

PINTLE_PLUGIN(plugin)
