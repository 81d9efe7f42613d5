/* SPDX-License-Identifier: Apache-2.0 */
/* Its entry gives nothing. */
#include <pintle/plugin.h>

__attribute__((visibility("default"))) const struct pintle_plugin *pintle_plugin_entry(void);

const struct pintle_plugin *pintle_plugin_entry(void)
{
	return NULL;
}
