/* SPDX-License-Identifier: Apache-2.0 */
/* Calls itself something else than its file. */
#include "skeleton.h"

static const struct pintle_provider provider = {
	SKELETON_PROVIDER(skeleton_namespaces),
	.verify = skeleton_verify,
};

static const struct pintle_plugin plugin = {
	SKELETON_PLUGIN("somebody_else"),
	.provider = &provider,
};

PINTLE_PLUGIN(plugin)
