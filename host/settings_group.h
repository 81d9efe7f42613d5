/* SPDX-License-Identifier: Apache-2.0 */
/* The sections of groups: "group NAME", and beside it "group NAME COUNTRY PURPOSE". For settings.c. */
#ifndef SETTINGS_GROUP_H
#define SETTINGS_GROUP_H

#include "settings.h"

/* Whom a section "group …" is for, by its name. */
bool settings_read_group(struct group_settings *group, const struct conf_section *section,
			 struct err *err);
/* Once all groups are bound: senders that are sections of plugins, weights where they count, and a group
 * for everything behind each one for a country or purpose. */
bool settings_check_groups(const struct settings *settings, const struct conf *conf,
			   struct err *err);

#endif
