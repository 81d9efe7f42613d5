/* SPDX-License-Identifier: Apache-2.0 */
/* Breaks no rule: what the others are held against. */
#include "skeleton.h"

static const struct pintle_provider provider = {
	SKELETON_PROVIDER(skeleton_namespaces),
	.verify = skeleton_verify,
};

static const struct pintle_plugin plugin = {
	SKELETON_PLUGIN("well_behaved"),
	.provider = &provider,
};

PINTLE_PLUGIN(plugin)
