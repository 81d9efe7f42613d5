/* SPDX-License-Identifier: Apache-2.0 */
#include "conf_value.h"

#include "file.h"
#include "utf8.h"
#include "xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define VALUE_FILE_MAX (64 * 1024)
#define ENV_NAME_MAX 64
#define ENV_NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

/* Appends len bytes to *text, without leaving a copy behind as realloc would. */
static void append(char **text, const char *bytes, size_t len)
{
	size_t before = *text ? strlen(*text) : 0;
	char *longer = xcalloc(1, before + len + 1);

	if (*text) {
		memcpy(longer, *text, before);
		conf_free_text(*text);
	}
	memcpy(longer + before, bytes, len);
	*text = longer;
}

/* at is behind "${"; returns what follows the '}', NULL after conf_fail. */
static const char *append_env(char **text, const char *at, const struct conf_place *place,
			      struct err *err)
{
	size_t len = strspn(at, ENV_NAME_CHARS);
	char name[ENV_NAME_MAX + 1] = "";
	const char *value;

	if (len == 0 || len > ENV_NAME_MAX || at[len] != '}') {
		(void)conf_fail(err, place,
				"after \"${\" a name and '}' must follow (\"$${\" is a "
				"plain \"${\")");
		return NULL;
	}
	memcpy(name, at, len);
	value = getenv(name);
	if (!value) {
		(void)conf_fail(err, place, "the environment has no %s", name);
		return NULL;
	}
	append(text, value, strlen(value));
	return at + len + 1;
}

static char *expand(const char *raw, const struct conf_place *place, struct err *err)
{
	char *text = NULL;

	append(&text, "", 0);
	while (*raw) {
		size_t plain = strcspn(raw, "$");

		append(&text, raw, plain);
		raw += plain;
		if (strncmp(raw, "$${", 3) == 0) {
			append(&text, "${", 2);
			raw += 3;
		} else if (strncmp(raw, "${", 2) == 0) {
			raw = append_env(&text, raw + 2, place, err);
			if (!raw) {
				conf_free_text(text);
				return NULL;
			}
		} else if (*raw) {
			append(&text, raw++, 1);
		}
	}
	return text;
}

static char *path_beside(const char *ini_file, const char *path)
{
	const char *slash = strrchr(ini_file, '/');
	char *full;

	if (*path == '/' || !slash)
		return xstrdup(path);
	if (asprintf(&full, "%.*s/%s", (int)(slash - ini_file), ini_file, path) < 0)
		out_of_memory();
	return full;
}

static void cut_line_end(char *text, size_t len)
{
	if (len > 0 && text[len - 1] == '\n')
		text[--len] = '\0';
	if (len > 0 && text[len - 1] == '\r')
		text[len - 1] = '\0';
}

static char *read_value_file(const char *path, const struct conf_place *place, bool *is_exposed_out,
			     struct err *err)
{
	char *full = path_beside(place->file, path);
	struct err why;
	mode_t mode;
	size_t len;
	char *text = file_read(full, VALUE_FILE_MAX, &len, &mode, &why);

	if (!text) {
		(void)conf_fail(err, place, "%s", why.text);
		goto out;
	}
	if (memchr(text, '\0', len)) {
		(void)conf_fail(err, place, "%s: a NUL byte", full);
		explicit_bzero(text, len);
		free(text);
		text = NULL;
		goto out;
	}
	*is_exposed_out = (mode & S_IROTH) != 0;
	cut_line_end(text, len);
out:
	free(full);
	return text;
}

char *conf_value_resolve(const char *raw, const struct conf_place *place, bool *is_exposed_out,
			 struct err *err)
{
	bool is_file = raw[0] == '@' && raw[1] != '@';
	char *text = expand(raw[0] == '@' ? raw + 1 : raw, place, err);

	*is_exposed_out = false;
	if (text && is_file) {
		char *path = text;

		text = read_value_file(path, place, is_exposed_out, err);
		free(path);
	}
	if (text && !utf8_is_valid(text)) {
		(void)conf_fail(err, place, "not valid UTF-8");
		conf_free_text(text);
		return NULL;
	}
	return text;
}
