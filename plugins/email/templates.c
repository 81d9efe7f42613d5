/* SPDX-License-Identifier: Apache-2.0 */
/* All files are read and checked once, at open: a mistake in one is a mistake in the configuration. */
#include "templates.h"

#include <errno.h>
#include <jansson.h>
#include <pintle/helpers.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX_LEN 65536
#define PATH_MAX_LEN 4096
#define COMMON TEMPLATE_PURPOSES /* for purposes without a file of their own */

struct templates {
	char *files[TEMPLATE_PURPOSES + 1][2][TEMPLATE_PARTS]; /* NULL: no such file */
};

static const char *const names[] = { "code", "email", "action" };

/* ---- Checking ---- */

static int32_t refuse(char *err, size_t err_len, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int32_t refuse(char *err, size_t err_len, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(err, err_len, fmt, args);
	va_end(args);
	return PINTLE_INVALID;
}

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

static int is_utf8(const char *text)
{
	json_t *json = json_string(text);

	json_decref(json);
	return json != NULL;
}

static int has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return 1;
	return 0;
}

static int32_t check(const char *text, const char *path, enum template_part part, char *err,
		     size_t err_len)
{
	const char *place = text, *after = text;
	int has_code = strstr(text, "{{code}}") != NULL;

	while ((place = strstr(after, "{{")))
		if (name_at(place, &after) < 0)
			return refuse(err, err_len, "%s: %.20s is no name: code, email or action",
				      path, place);
	if (!is_utf8(text))
		return refuse(err, err_len, "%s: it must be UTF-8", path);
	if (part == TEMPLATE_SUBJECT && has_control(text))
		return refuse(err, err_len, "%s: a subject is one line", path);
	if (part == TEMPLATE_SUBJECT && has_code)
		return refuse(err, err_len, "%s: a subject is no place for {{code}}", path);
	if (part != TEMPLATE_SUBJECT && !has_code)
		return refuse(err, err_len, "%s: {{code}} is missing", path);
	return PINTLE_OK;
}

/* ---- Reading ---- */

static void trim_line_end(char *text)
{
	size_t len = strlen(text);

	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		text[--len] = '\0';
}

/* *out stays NULL when there is no such file. */
static int32_t read_file(const char *path, char **out, char *err, size_t err_len)
{
	FILE *file = fopen(path, "re");
	size_t len;

	if (!file && errno == ENOENT)
		return PINTLE_OK;
	if (!file)
		return refuse(err, err_len, "%s: %s", path, strerror(errno));
	*out = calloc(1, FILE_MAX_LEN + 1);
	len = *out ? fread(*out, 1, FILE_MAX_LEN + 1, file) : 0;
	if (ferror(file))
		len = 0;
	(void)fclose(file); /* it was only read */
	if (!*out)
		return PINTLE_INTERNAL;
	if (len == 0 || len > FILE_MAX_LEN || strlen(*out) != len)
		return refuse(err, err_len, "%s: it must be a text of at most 64 KiB", path);
	return PINTLE_OK;
}

static int32_t load(struct templates *templates, const char *folder, int purpose, int lang,
		    enum template_part part, char *err, size_t err_len)
{
	static const char *const langs[] = { "zh", "en" };
	static const char *const endings[TEMPLATE_PARTS] = { "subject", "txt", "html" };
	char **slot = &templates->files[purpose][lang][part];
	char path[PATH_MAX_LEN];
	int32_t status;

	(void)snprintf(path, sizeof(path), "%s/%s.%s.%s", folder,
		       purpose == COMMON ? "code" : pintle_purpose_word(purpose), langs[lang],
		       endings[part]);
	status = read_file(path, slot, err, err_len);
	if (status != PINTLE_OK || !*slot)
		return status;
	if (part == TEMPLATE_SUBJECT)
		trim_line_end(*slot);
	return check(*slot, path, part, err, err_len);
}

/* A folder that is not there is a mistake; a file that is not there is not. */
static int32_t check_folder(const char *folder, char *err, size_t err_len)
{
	char path[PATH_MAX_LEN];
	FILE *file;

	if (snprintf(path, sizeof(path), "%s/.", folder) > PATH_MAX_LEN - 64)
		return refuse(err, err_len, "templates: the path is too long");
	file = fopen(path, "re");
	if (!file)
		return refuse(err, err_len, "templates: %s: %s", folder, strerror(errno));
	(void)fclose(file); /* it was not even read */
	return PINTLE_OK;
}

static int32_t load_all(struct templates *templates, const char *folder, char *err, size_t err_len)
{
	int32_t status = check_folder(folder, err, err_len);

	for (int i = 0; status == PINTLE_OK && i < 2 * TEMPLATE_PARTS * (COMMON + 1); i++)
		status = load(templates, folder, i / (2 * TEMPLATE_PARTS), i / TEMPLATE_PARTS % 2,
			      (enum template_part)(i % TEMPLATE_PARTS), err, err_len);
	return status;
}

int32_t templates_new(const char *folder, struct templates **out, char *err, size_t err_len)
{
	struct templates *templates = calloc(1, sizeof(*templates));
	int32_t status = templates ? PINTLE_OK : PINTLE_INTERNAL;

	if (status == PINTLE_OK && *folder)
		status = load_all(templates, folder, err, err_len);
	if (status == PINTLE_OK)
		*out = templates;
	else
		templates_free(templates);
	return status;
}

void templates_free(struct templates *templates)
{
	if (!templates)
		return;
	for (int i = 0; i <= COMMON; i++)
		for (int lang = 0; lang < 2; lang++)
			for (int part = 0; part < TEMPLATE_PARTS; part++)
				free(templates->files[i][lang][part]);
	free(templates);
}

/* ---- Filling ---- */

static const char *choose(const struct templates *templates, int32_t purpose, int lang,
			  enum template_part part)
{
	const char *own = templates->files[purpose][lang][part];
	const char *common = templates->files[COMMON][lang][part];

	if (own)
		return own;
	return common ? common : templates_builtin[lang][part];
}

static const char *value_of(const struct template_var *vars, const char *name)
{
	for (; vars->name; vars++)
		if (strcmp(vars->name, name) == 0)
			return vars->value;
	return "";
}

static void put_html(FILE *out, const char *value)
{
	for (; *value; value++) {
		switch (*value) {
		case '&':
			(void)fputs("&amp;", out);
			break;
		case '<':
			(void)fputs("&lt;", out);
			break;
		case '>':
			(void)fputs("&gt;", out);
			break;
		case '"':
			(void)fputs("&quot;", out);
			break;
		case '\'':
			(void)fputs("&#39;", out);
			break;
		default:
			(void)fputc(*value, out);
		}
	}
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
		put_html(out, value);
	else if (part == TEMPLATE_SUBJECT)
		put_subject(out, value);
	else
		(void)fputs(value, out);
}

char *templates_fill(const struct templates *templates, int32_t purpose, const char *lang,
		     enum template_part part, const struct template_var *vars)
{
	const char *at = choose(templates, purpose, strcmp(lang, "zh") != 0, part);
	const char *place, *after;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	for (; (place = strstr(at, "{{")); at = after) {
		int name = name_at(place, &after);

		if (name < 0) /* it was checked when it was read */
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
