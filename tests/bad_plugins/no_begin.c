/* SPDX-License-Identifier: Apache-2.0 */
/* A provider whose flows nothing begins. */
#include "skeleton.h"

static const struct pintle_provider provider = {
	.size = sizeof(provider),
	.label_zh = "坏",
	.label_en = "Bad",
	.namespaces = skeleton_namespaces,
	.verify = skeleton_verify,
	.denied = "invalid_credentials",
};

static const struct pintle_plugin plugin = {
	SKELETON_PLUGIN("no_begin"),
	.provider = &provider,
};

PINTLE_PLUGIN(plugin)
