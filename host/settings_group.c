/* SPDX-License-Identifier: Apache-2.0 */
#include "settings_group.h"

#include <pintle/helpers.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WEIGHT_MAX 1000
#define WORDS_MAX 3 /* name, country, purpose */
#define COUNTRY_DIGITS_MAX 3

/* ---- Names ---- */

static bool is_country(struct slice word)
{
	return word.len <= COUNTRY_DIGITS_MAX && strspn(word.ptr, "0123456789") >= word.len &&
	       word.ptr[0] != '0';
}

static int32_t purpose_of(struct slice word)
{
	for (int32_t purpose = PINTLE_LOGIN; purpose <= PINTLE_MFA; purpose++) {
		if (slice_is(word, pintle_purpose_word(purpose)))
			return purpose;
	}
	return GROUP_ANY_PURPOSE;
}

static struct slice next_word(const char **at)
{
	struct slice word = { *at + strspn(*at, " "), 0 };

	word.len = strcspn(word.ptr, " ");
	*at = word.ptr + word.len;
	return word;
}

/* The country comes before the purpose, each at most once. */
static bool take_word(struct group_settings *group, struct slice word)
{
	int32_t purpose = purpose_of(word);

	if (group->purpose != GROUP_ANY_PURPOSE)
		return false;
	if (purpose != GROUP_ANY_PURPOSE) {
		group->purpose = purpose;
		return true;
	}
	if (*group->country || !is_country(word))
		return false;
	memcpy(group->country, word.ptr, word.len);
	return true;
}

bool settings_read_group(struct group_settings *group, const struct conf_section *section,
			 struct err *err)
{
	struct conf_place place = conf_place_of(section, section->name, NULL);
	const char *at = section->name;
	struct slice word;

	(void)next_word(&at); /* "group" */
	word = next_word(&at);
	if (word.len == 0)
		return conf_fail(err, &place, "a group needs a name: [group NAME]");
	group->section = section->name;
	group->purpose = GROUP_ANY_PURPOSE;
	memcpy(group->name, word.ptr, word.len); /* a section's name is no longer than that */
	for (word = next_word(&at); word.len > 0; word = next_word(&at)) {
		if (!take_word(group, word))
			return conf_fail(err, &place,
					 "\"%.*s\" is no calling code and no purpose: [group NAME "
					 "COUNTRY PURPOSE], such as [group NAME 86 login]",
					 (int)word.len, word.ptr);
	}
	return true;
}

/* ---- Senders ---- */

bool settings_split_sender(const char *text, char name_out[CONF_NAME_MAX + 1], int64_t *weight_out)
{
	const char *colon = strchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : strlen(text);
	char *end;

	*weight_out = 1;
	if (len == 0 || len > CONF_NAME_MAX)
		return false;
	memcpy(name_out, text, len);
	name_out[len] = '\0';
	if (!colon)
		return true;
	if (colon[1] < '0' || colon[1] > '9')
		return false;
	*weight_out = strtoll(colon + 1, &end, 10);
	return !*end && *weight_out >= 1 && *weight_out <= WEIGHT_MAX;
}

static bool check_sender(const struct group_settings *group, const char *text,
			 const struct conf *conf, struct err *err)
{
	struct conf_place place =
		conf_place_of(conf_section(conf, group->section), group->section, "senders");
	char name[CONF_NAME_MAX + 1];
	int64_t weight;

	if (!settings_split_sender(text, name, &weight))
		return conf_fail(err, &place,
				 "\"%.60s\" is not NAME or NAME:WEIGHT with a weight from 1 to %d",
				 text, WEIGHT_MAX);
	if (strchr(text, ':') && group->order != GROUP_WEIGHTED)
		return conf_fail(err, &place, "weights count with order = weighted only");
	if (!conf_section(conf, name) || settings_table(name))
		return conf_fail(err, &place, "there is no section [%.60s] of a plugin", name);
	return true;
}

static bool has_plain(const struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->n_groups; i++) {
		const struct group_settings *group = &settings->groups[i];

		if (strcmp(group->name, name) == 0 && !*group->country &&
		    group->purpose == GROUP_ANY_PURPOSE)
			return true;
	}
	return false;
}

static bool check_group(const struct settings *settings, const struct group_settings *group,
			const struct conf *conf, struct err *err)
{
	struct conf_place place =
		conf_place_of(conf_section(conf, group->section), group->section, NULL);

	for (size_t i = 0; group->senders[i]; i++) {
		if (!check_sender(group, group->senders[i], conf, err))
			return false;
	}
	if (has_plain(settings, group->name))
		return true;
	return conf_fail(err, &place, "there is no [group %s] for all other messages", group->name);
}

bool settings_check_groups(const struct settings *settings, const struct conf *conf,
			   struct err *err)
{
	for (size_t i = 0; i < settings->n_groups; i++) {
		if (!check_group(settings, &settings->groups[i], conf, err))
			return false;
	}
	return true;
}
