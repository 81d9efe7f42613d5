/* SPDX-License-Identifier: Apache-2.0 */
/* Where each host section lands in struct settings. For settings.c. */
#ifndef SETTINGS_TABLES_H
#define SETTINGS_TABLES_H

#include "settings.h"

struct settings_section {
	const char *name;
	size_t offset; /* in struct settings */
	struct opt_table table;
};

#define SETTINGS_SECTIONS 10
extern const struct settings_section settings_host_sections[SETTINGS_SECTIONS];
extern const struct opt_table settings_group_table;

#endif
