/* SPDX-License-Identifier: Apache-2.0 */
#include "templates.h"

#include <pintle/html.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = { "code", "link", "email", "action", "minutes" };

/* ---- Checking ---- */

/* The index in names of what stands at "{{"; -1 when it is none of them. */
static int name_at(const char *place, const char **after_out)
{
	for (int i = 0; i < (int)(sizeof(names) / sizeof(names[0])); i++) {
		size_t len = strlen(names[i]);

		if (strncmp(place + 2, names[i], len) != 0 ||
		    strncmp(place + 2 + len, "}}", 2) != 0)
			continue;
		*after_out = place + 2 + len + 2;
		return i;
	}
	return -1;
}

static int has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return 1;
	return 0;
}

/* A link is as good as a code, so both stay out of what is read on locked screens. */
static const char *fault_of_part(const char *text, enum template_part part, int has_link)
{
	int names_code = strstr(text, "{{code}}") != NULL;
	int names_link = strstr(text, "{{link}}") != NULL;

	if (names_link && !has_link)
		return "{{link}} needs link = yes";
	if (part == TEMPLATE_SUBJECT && has_control(text))
		return "a subject is one line";
	if (part == TEMPLATE_SUBJECT)
		return names_code || names_link ? "a subject is no place for {{code}} and {{link}}"
						: NULL;
	if (!names_code)
		return "{{code}} is missing";
	return has_link && !names_link ? "{{link}} is missing" : NULL;
}

const char *template_fault(const char *text, enum template_part part, int has_link, char *why,
			   size_t why_len)
{
	const char *place = text, *after = text;

	while ((place = strstr(after, "{{"))) {
		if (name_at(place, &after) >= 0)
			continue;
		(void)snprintf(why, why_len,
			       "%.20s is no name: code, link, email, action or minutes", place);
		return why;
	}
	return fault_of_part(text, part, has_link);
}

/* ---- Filling ---- */

static const char *value_of(const struct template_var *vars, const char *name)
{
	for (; vars->name; vars++)
		if (strcmp(vars->name, name) == 0)
			return vars->value;
	return "";
}

/* Nothing makes a second line of a subject. */
static void put_subject(FILE *out, const char *value)
{
	for (; *value; value++)
		(void)fputc((unsigned char)*value < 0x20 || *value == 0x7f ? ' ' : *value, out);
}

static void put_value(FILE *out, enum template_part part, const char *value)
{
	if (part == TEMPLATE_HTML)
		pintle_put_html(out, value);
	else if (part == TEMPLATE_SUBJECT)
		put_subject(out, value);
	else
		(void)fputs(value, out);
}

char *template_fill(const char *text_with_names, enum template_part part,
		    const struct template_var *vars)
{
	const char *at = text_with_names, *place, *after;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	for (; (place = strstr(at, "{{")); at = after) {
		int name = name_at(place, &after);

		if (name < 0) /* it was checked before */
			break;
		(void)fwrite(at, 1, (size_t)(place - at), out);
		put_value(out, part, value_of(vars, names[name]));
	}
	(void)fputs(at, out);
	if (fclose(out) == 0) /* the one place where the stream tells of an error */
		return text;
	free(text);
	return NULL;
}
