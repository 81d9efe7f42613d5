/* SPDX-License-Identifier: Apache-2.0 */
/* A provider's table that ends before its ops. */
#include "skeleton.h"

static const struct pintle_provider provider = {
	.size = offsetof(struct pintle_provider, begin),
	.namespaces = skeleton_namespaces,
};

static const struct pintle_plugin plugin = {
	SKELETON_PLUGIN("short_provider"),
	.provider = &provider,
};

PINTLE_PLUGIN(plugin)
