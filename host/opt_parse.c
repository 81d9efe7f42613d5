/* SPDX-License-Identifier: Apache-2.0 */
#include "opt_parse.h"

#include "conf.h"
#include "xalloc.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit byte_units[] = {
	{ "", 1 },
	{ "K", INT64_C(1) << 10 },
	{ "M", INT64_C(1) << 20 },
	{ "G", INT64_C(1) << 30 },
	{ NULL, 0 },
};

static const struct unit duration_units[] = {
	{ "ms", 1 },      { "s", 1000 },     { "m", 60000 },
	{ "h", 3600000 }, { "d", 86400000 }, { NULL, 0 },
};

static const struct {
	const char *name;
	size_t size;
} types[] = {
	[PINTLE_STRING] = { "text", sizeof(char *) },
	[PINTLE_SECRET] = { "secret", sizeof(char *) },
	[PINTLE_INT] = { "number", sizeof(int64_t) },
	[PINTLE_BYTES] = { "bytes", sizeof(int64_t) },
	[PINTLE_DURATION] = { "duration", sizeof(int64_t) },
	[PINTLE_FLAG] = { "yes or no", sizeof(int32_t) },
	[PINTLE_CHOICE] = { "choice", sizeof(int32_t) },
	[PINTLE_LIST] = { "list", sizeof(char **) },
};

#define N_TYPES ((int32_t)(sizeof(types) / sizeof(types[0])))

size_t opt_type_size(int32_t type)
{
	return type >= 0 && type < N_TYPES ? types[type].size : 0;
}

const char *opt_type_name(int32_t type)
{
	return type >= 0 && type < N_TYPES ? types[type].name : "?";
}

static void *member(const struct pintle_opt *opt, void *out)
{
	return (char *)out + opt->offset;
}

static bool refuse(char reason[OPT_REASON_MAX], const char *text)
{
	(void)snprintf(reason, OPT_REASON_MAX, "%s", text);
	return false;
}

static bool is_within(const struct pintle_opt *opt, int64_t value)
{
	return (opt->min == 0 && opt->max == 0) || (value >= opt->min && value <= opt->max);
}

/* The largest unit that writes value without a rest. */
static void write_number(int32_t type, int64_t value, char out[32])
{
	const struct unit *units = type == PINTLE_BYTES ? byte_units : duration_units;
	const struct unit *best = units;

	if (type == PINTLE_INT) {
		(void)snprintf(out, 32, "%" PRId64, value);
		return;
	}
	for (const struct unit *unit = units; unit->name && value != 0; unit++) {
		if (value % unit->factor == 0)
			best = unit;
	}
	(void)snprintf(out, 32, "%" PRId64 "%s", value / best->factor, best->name);
}

static bool check_number(const struct pintle_opt *opt, int64_t value, char reason[OPT_REASON_MAX])
{
	char min[32], max[32];

	if (is_within(opt, value))
		return true;
	write_number(opt->type, opt->min, min);
	write_number(opt->type, opt->max, max);
	(void)snprintf(reason, OPT_REASON_MAX, "must be from %s to %s", min, max);
	return false;
}

/* Digits and what follows them; false without digits or when it does not fit. */
static bool read_digits(const char *text, int64_t *value_out, const char **rest_out)
{
	int64_t value = 0;

	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9'; text++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *text - '0', &value))
			return false;
	}
	*value_out = value;
	*rest_out = text;
	return true;
}

static bool parse_int(const struct pintle_opt *opt, const char *text, void *out, char *reason)
{
	bool is_negative = *text == '-';
	const char *rest;
	int64_t value;

	if (!read_digits(text + is_negative, &value, &rest) || *rest)
		return refuse(reason, "must be a whole number");
	if (is_negative)
		value = -value;
	*(int64_t *)member(opt, out) = value;
	return check_number(opt, value, reason);
}

static bool parse_measure(const struct pintle_opt *opt, const char *text, void *out, char *reason)
{
	bool is_bytes = opt->type == PINTLE_BYTES;
	const struct unit *unit = is_bytes ? byte_units : duration_units;
	const char *rest;
	int64_t value;

	if (!read_digits(text, &value, &rest))
		goto refuse;
	while (unit->name && strcmp(unit->name, rest) != 0)
		unit++;
	if (!unit->name || __builtin_mul_overflow(value, unit->factor, &value))
		goto refuse;
	*(int64_t *)member(opt, out) = value;
	return check_number(opt, value, reason);
refuse:
	return refuse(reason, is_bytes ? "must be a size such as 64K, 10M, 1G or plain bytes"
				       : "must be a time with its unit: 500ms, 10s, 5m, 24h, 7d");
}

static bool parse_flag(const struct pintle_opt *opt, const char *text, void *out, char *reason)
{
	static const char *const words[] = { "no", "yes", "false", "true", "off", "on" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i], text) == 0) {
			*(int32_t *)member(opt, out) = (int32_t)(i % 2);
			return true;
		}
	}
	return refuse(reason, "must be yes or no");
}

static bool parse_choice(const struct pintle_opt *opt, const char *text, void *out, char *reason)
{
	const char *word = opt->choices;
	size_t len = strlen(text);

	for (int32_t i = 0; *word; i++) {
		size_t word_len = strcspn(word, " ");

		if (word_len == len && memcmp(word, text, len) == 0) {
			*(int32_t *)member(opt, out) = i;
			return true;
		}
		word += word_len + (word[word_len] == ' ');
	}
	(void)snprintf(reason, OPT_REASON_MAX, "must be one of: %s", opt->choices);
	return false;
}

static bool is_fallback(const struct pintle_opt *opt, const char *text)
{
	return opt->fallback && strcmp(opt->fallback, text) == 0;
}

static bool parse_text(const struct pintle_opt *opt, const char *text, void *out, char *reason)
{
	size_t len = strlen(text);

	if (!opt->fallback && len == 0)
		return refuse(reason, "must not be empty");
	if (!is_fallback(opt, text) && !is_within(opt, (int64_t)len)) {
		(void)snprintf(reason, OPT_REASON_MAX,
			       "must have %" PRId64 " to %" PRId64 " bytes, has %zu", opt->min,
			       opt->max, len);
		return false;
	}
	*(char **)member(opt, out) = xstrdup(text);
	return true;
}

/* Cuts the next item off *text, without the white space around it. */
static char *next_item(const char **text)
{
	const char *start = *text + strspn(*text, " \t\n\r");
	size_t len = strcspn(start, ",");

	*text = start + len + (start[len] == ',');
	while (len > 0 && strchr(" \t\n\r", start[len - 1]))
		len--;
	return xstrndup(start, len);
}

static bool parse_list(const struct pintle_opt *opt, const char *text, void *out, char *reason)
{
	char **items = xcalloc(1, sizeof(*items));
	const char *at = text;
	size_t n = 0;

	*(char ***)member(opt, out) = items;
	while (at[strspn(at, " \t\n\r")]) {
		items = xrealloc(items, (n + 2) * sizeof(*items));
		*(char ***)member(opt, out) = items;
		items[n] = next_item(&at);
		items[n + 1] = NULL;
		if (*items[n++] == '\0')
			return refuse(reason, "has an empty item between its commas");
	}
	if (!opt->fallback && n == 0)
		return refuse(reason, "must not be empty");
	if (!is_fallback(opt, text) && !is_within(opt, (int64_t)n)) {
		(void)snprintf(reason, OPT_REASON_MAX,
			       "must have %" PRId64 " to %" PRId64 " items, has %zu", opt->min,
			       opt->max, n);
		return false;
	}
	return true;
}

bool opt_parse(const struct pintle_opt *opt, const char *text, void *out,
	       char reason[OPT_REASON_MAX])
{
	switch (opt->type) {
	case PINTLE_STRING:
	case PINTLE_SECRET:
		return parse_text(opt, text, out, reason);
	case PINTLE_INT:
		return parse_int(opt, text, out, reason);
	case PINTLE_BYTES:
	case PINTLE_DURATION:
		return parse_measure(opt, text, out, reason);
	case PINTLE_FLAG:
		return parse_flag(opt, text, out, reason);
	case PINTLE_CHOICE:
		return parse_choice(opt, text, out, reason);
	case PINTLE_LIST:
		return parse_list(opt, text, out, reason);
	default:
		return refuse(reason, "has a type this host does not know");
	}
}

void opt_parse_undo(const struct pintle_opt *opt, void *out)
{
	char **items;

	switch (opt->type) {
	case PINTLE_STRING:
	case PINTLE_SECRET:
		conf_free_text(*(char **)member(opt, out));
		break;
	case PINTLE_LIST:
		items = *(char ***)member(opt, out);
		for (size_t i = 0; items && items[i]; i++)
			conf_free_text(items[i]);
		free(items);
		break;
	default:
		break;
	}
	memset(member(opt, out), 0, opt_type_size(opt->type));
}
