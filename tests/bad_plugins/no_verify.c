/* SPDX-License-Identifier: Apache-2.0 */
/* A provider that cannot verify. */
#include "skeleton.h"

static const struct pintle_provider provider = { SKELETON_PROVIDER(skeleton_namespaces) };

static const struct pintle_plugin plugin = {
	SKELETON_PLUGIN("no_verify"),
	.provider = &provider,
};

PINTLE_PLUGIN(plugin)
