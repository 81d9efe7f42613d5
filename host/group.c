/* SPDX-License-Identifier: Apache-2.0 */
#include "group.h"

#include "host.h"
#include "identifier.h"
#include "rng.h"
#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

/* ---- Both ends ---- */

static bool add_sender(struct host *host, struct group *group, const char *text, struct err *err)
{
	char name[CONF_NAME_MAX + 1];
	struct pintle_inst *inst = NULL;

	/* It was read before: it can be split. */
	if (settings_split_sender(text, name, &group->weights[group->n_senders]))
		inst = instances_find(&host->instances, name);
	if (!inst || (!inst->plugin->desc.sender && !inst->plugin->is_left_out))
		return err_set(err, "[%s] senders: the plugin of [%s] sends nothing",
			       group->settings->section, name);
	group->senders[group->n_senders++] = inst;
	return true;
}

bool groups_make(struct host *host, struct err *err)
{
	const struct settings *settings = host->settings;

	host->groups = xcalloc(settings->n_groups + 1, sizeof(*host->groups));
	for (size_t i = 0; i < settings->n_groups; i++) {
		struct group *group = &host->groups[host->n_groups++];

		group->settings = &settings->groups[i];
		for (size_t j = 0; group->settings->senders[j]; j++) {
			if (!add_sender(host, group, group->settings->senders[j], err))
				return false;
		}
	}
	return true;
}

void groups_free(struct host *host)
{
	free(host->groups);
	host->groups = NULL;
	host->n_groups = 0;
}

/* ---- Finding ---- */

/* How well a group fits; -1: not at all. */
static int fit(const struct group_settings *group, const char *country, int32_t purpose)
{
	bool has_country = *group->country != '\0';
	bool has_purpose = group->purpose != GROUP_ANY_PURPOSE;

	if ((has_country && strcmp(group->country, country) != 0) ||
	    (has_purpose && group->purpose != purpose))
		return -1;
	return 2 * has_country + has_purpose;
}

const struct group *group_find(const struct host *host, const char *name, const char *country,
			       int32_t purpose)
{
	const struct group *best = NULL;
	int best_fit = -1;

	for (size_t i = 0; i < host->n_groups; i++) {
		const struct group *group = &host->groups[i];
		int how_well;

		if (strcmp(group->settings->name, name) != 0)
			continue;
		how_well = fit(group->settings, country, purpose);
		if (how_well > best_fit) {
			best = group;
			best_fit = how_well;
		}
	}
	return best;
}

bool group_exists(const struct host *host, const char *name)
{
	for (size_t i = 0; i < host->n_groups; i++) {
		if (strcmp(host->groups[i].settings->name, name) == 0)
			return true;
	}
	return false;
}

const char *group_country(const char *to, char out[GROUP_COUNTRY_MAX])
{
	out[0] = '\0';
	return strchr(to, '@') ? out : identifier_country(to, out);
}

/* ---- The order ---- */

static int64_t draw(int64_t below)
{
	uint64_t random = 0;

	/* Without a random source the first is as good as any. */
	return rng_bytes(&random, sizeof(random)) ? (int64_t)(random % (uint64_t)below) : 0;
}

/* One of those that are left, each as likely as it is heavy. */
static size_t draw_sender(const struct group *group, const bool *is_taken)
{
	int64_t sum = 0, at;
	size_t i;

	for (i = 0; i < group->n_senders; i++)
		sum += is_taken[i] ? 0 : group->weights[i];
	at = draw(sum);
	for (i = 0; i < group->n_senders; i++) {
		if (is_taken[i])
			continue;
		at -= group->weights[i];
		if (at < 0)
			break;
	}
	return i;
}

void group_order(const struct group *group, struct pintle_inst *out[GROUP_SENDERS_MAX])
{
	bool is_taken[GROUP_SENDERS_MAX] = { false };

	for (size_t n = 0; n < group->n_senders; n++) {
		size_t i =
			group->settings->order == GROUP_WEIGHTED ? draw_sender(group, is_taken) : n;

		is_taken[i] = true;
		out[n] = group->senders[i];
	}
}
