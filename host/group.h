/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of senders: one for all messages of a name, and more for a country, a purpose or both. */
#ifndef GROUP_H
#define GROUP_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GROUP_SENDERS_MAX 16 /* as the option senders says */
#define GROUP_COUNTRY_MAX 4  /* a calling code with its NUL */

struct host;
struct pintle_inst;

struct group {
	const struct group_settings *settings;
	struct pintle_inst *senders[GROUP_SENDERS_MAX];
	int64_t weights[GROUP_SENDERS_MAX];
	size_t n_senders;
};

/* For host_make.c. */
bool groups_make(struct host *host, struct err *err);
void groups_free(struct host *host);
/* The one whose name, country and purpose fit best: country and purpose, then country, then purpose,
 * then all. NULL: no group has that name. */
const struct group *group_find(const struct host *host, const char *name, const char *country,
			       int32_t purpose);
bool group_exists(const struct host *host, const char *name);
/* The calling code of whom a message goes to; "" for an address. */
const char *group_country(const char *to, char out[GROUP_COUNTRY_MAX]);
/* Its senders in the order in which this message tries them: as listed, or drawn by weight. */
void group_order(const struct group *group, struct pintle_inst *out[GROUP_SENDERS_MAX]);

#endif
