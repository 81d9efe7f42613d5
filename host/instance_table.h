/* SPDX-License-Identifier: Apache-2.0 */
/* What every section that names a plugin understands besides the plugin's own options. */
#ifndef INSTANCE_TABLE_H
#define INSTANCE_TABLE_H

#include "opt.h"

#include <stdbool.h>
#include <stdint.h>

/* The keys every plugin section understands besides the plugin's own. */
struct instance_settings {
	const char *plugin; /* default: the section's name */
	int64_t max_running, max_waiting, timeout_ms;
	const char *label_zh, *label_en;  /* instead of the plugin's */
	int32_t is_required;              /* /readyz needs it */
	const char *const *receipts_from; /* networks that may report deliveries to a sender */
};

extern const struct opt_table instance_table;

/* False when a plugin's table has a key of that name: one key would mean two things. */
bool instance_table_is_apart(const struct opt_table *plugin, struct err *err);

#endif
