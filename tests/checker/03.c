/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

#define ENTRY
#include "end.h"

__attribute__((visibility("default"))) const struct pintle_plugin *pintle_plugin_entry(void);

const struct pintle_plugin *pintle_plugin_entry(void)
{
#ifndef FIXED
	static struct pintle_plugin *copy;

	copy = malloc(sizeof(*copy));
	*copy = plugin;
	return copy;
#endif
	return &plugin;
}
