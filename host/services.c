/* SPDX-License-Identifier: Apache-2.0 */
#include "services.h"

#include <pintle/plugin.h>

const struct pintle_host *services(void)
{
	static struct pintle_host table;

	if (table.size == 0) {
		services_fill_call(&table);
		services_fill_flow(&table);
		services_fill_store(&table);
		services_fill_world(&table);
		services_fill_secret(&table);
		table.abi = PINTLE_ABI;
		table.size = sizeof(table);
	}
	return &table;
}
