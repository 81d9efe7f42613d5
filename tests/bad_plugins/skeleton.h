/* SPDX-License-Identifier: Apache-2.0 */
/* What a plugin needs to be one at all; the files here break one rule each on top of it. */
#ifndef SKELETON_H
#define SKELETON_H

#include <pintle/plugin.h>

static inline int32_t skeleton_verify(void *self, struct pintle_call *call)
{
	(void)self;
	(void)call;
	return PINTLE_DENIED;
}

#define SKELETON_PROVIDER(namespaces_of_it)                                                        \
	.size = sizeof(struct pintle_provider), .flags = PINTLE_DIRECT, .label_zh = "坏",          \
	.label_en = "Bad", .namespaces = namespaces_of_it, .denied = "invalid_credentials"

#define SKELETON_PLUGIN(name_of_it)                                                                \
	.size = sizeof(struct pintle_plugin), .abi = PINTLE_ABI, .name = name_of_it,               \
	.version = "1", .summary = "Breaks a rule"

static const char *const skeleton_namespaces[] = { "skeleton", NULL };

#endif
