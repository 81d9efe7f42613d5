/* SPDX-License-Identifier: Apache-2.0 */
#include "body.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_LEN 32

/* ---- Templates ---- */

/* Finds the next {{name}} at or after text; its name without blanks. NULL when there is none. */
static const char *next_place(const char *text, char name[NAME_MAX_LEN], const char **after_out)
{
	const char *open = strstr(text, "{{"), *end = open ? strstr(open, "}}") : NULL;
	int len;

	if (!end)
		return NULL;
	len = (int)(end - open - 2);
	(void)snprintf(name, NAME_MAX_LEN, "%.*s", len, open + 2);
	*after_out = end + 2;
	return open;
}

int body_check(const char *template, const char *const *names, char *bad_out, size_t bad_len)
{
	char name[NAME_MAX_LEN];
	const char *after;

	for (; next_place(template, name, &after); template = after) {
		size_t i = 0;

		while (names[i] && strcmp(names[i], name) != 0)
			i++;
		if (!names[i]) {
			(void)snprintf(bad_out, bad_len, "%s", name);
			return 0;
		}
	}
	return 1;
}

/* Bytes as they stand inside a JSON string. */
static void put_escaped(FILE *out, const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		if (*at == '"' || *at == '\\')
			(void)fprintf(out, "\\%c", *at);
		else if (*at < 0x20 || *at == 0x7f)
			(void)fprintf(out, "\\u%04x", *at);
		else
			(void)fputc(*at, out);
	}
}

static const char *value_of(const struct body_var *vars, size_t n_vars, const char *name)
{
	for (size_t i = 0; i < n_vars; i++)
		if (strcmp(vars[i].name, name) == 0)
			return vars[i].value ? vars[i].value : "";
	return "";
}

char *body_fill(const char *template, const struct body_var *vars, size_t n_vars, size_t *len_out)
{
	char *body = NULL, name[NAME_MAX_LEN];
	FILE *out = open_memstream(&body, len_out);
	const char *place, *after;

	if (!out)
		return NULL;
	for (; (place = next_place(template, name, &after)); template = after) {
		(void)fwrite(template, 1, (size_t)(place - template), out);
		put_escaped(out, value_of(vars, n_vars, name));
	}
	(void)fputs(template, out);
	if (fclose(out) == 0) /* the one place where the stream tells of an error */
		return body;
	free(body);
	return NULL;
}

/* ---- Answers ---- */

/* One step of a pointer: ~1 stands for '/', ~0 for '~'. */
static void unescape(char *step)
{
	char *to = step;

	for (const char *from = step; *from; from++) {
		if (from[0] == '~' && (from[1] == '0' || from[1] == '1'))
			*to++ = *++from == '0' ? '~' : '/';
		else
			*to++ = *from;
	}
	*to = '\0';
}

static const json_t *step_into(const json_t *json, const char *step)
{
	if (json_is_object(json))
		return json_object_get(json, step);
	if (json_is_array(json) && *step && strspn(step, "0123456789") == strlen(step))
		return json_array_get(json, strtoul(step, NULL, 10));
	return NULL;
}

static const json_t *walk(const json_t *json, char *pointer)
{
	char *rest = pointer, *step;

	if (*rest == '/')
		rest++;
	while (json && (step = strsep(&rest, "/"))) {
		unescape(step);
		json = step_into(json, step);
	}
	return json;
}

static char *as_text(const json_t *json)
{
	if (json_is_string(json))
		return strdup(json_string_value(json));
	if (json_is_number(json) || json_is_boolean(json))
		return json_dumps(json, JSON_ENCODE_ANY);
	return NULL;
}

char *body_pick(const char *json, size_t len, const char *pointer)
{
	json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, NULL);
	char *copy = root ? strdup(pointer) : NULL;
	char *text = copy ? as_text(walk(root, copy)) : NULL;

	free(copy);
	json_decref(root);
	return text;
}
