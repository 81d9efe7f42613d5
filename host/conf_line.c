/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sections are kept here and each key line is given to inih alone. Lines that inih would cut (it says
 * nothing then) are taken apart here by its rules: the first '=' or ':' splits, " ;" starts a comment.
 */
#include "conf_line.h"

#include "conf_value.h"
#include "file.h"

#include <ctype.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (1024 * 1024)
/* Debian's build: INI_MAX_LINE 200 with the NUL, names cut after 49 bytes. */
#define INIH_LINE_MAX 199
#define INIH_NAME_MAX 49

struct reader {
	struct conf *conf;
	struct conf_section *section; /* the last of conf, or NULL */
	struct conf_place place;
	struct err *err;
	bool has_failed;
};

static bool fail(struct reader *r, const char *reason)
{
	r->has_failed = true;
	return conf_fail(r->err, &r->place, "%s", reason);
}

static char *trim(char *text)
{
	size_t len;

	while (isspace((unsigned char)*text))
		text++;
	len = strlen(text);
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		len--;
	text[len] = '\0';
	return text;
}

/* The first of stops, or of a comment, or the end. */
static char *find_stop(char *text, const char *stops)
{
	bool is_after_space = false;

	while (*text && !strchr(stops, *text) && !(is_after_space && *text == ';')) {
		is_after_space = isspace((unsigned char)*text);
		text++;
	}
	return text;
}

bool conf_line_check_name(const char *name, const struct conf_place *place, struct err *err)
{
	if (*name == '\0')
		return conf_fail(err, place, "an empty name");
	if (strlen(name) > CONF_NAME_MAX)
		return conf_fail(err, place, "a name is longer than %d bytes", CONF_NAME_MAX);
	for (const char *p = name; *p; p++) {
		if (!isprint((unsigned char)*p) || strchr("[]=", *p))
			return conf_fail(err, place, "a name may not contain byte 0x%02x",
					 (unsigned char)*p);
	}
	return true;
}

static bool add_key(struct reader *r, const char *name, const char *raw)
{
	const struct conf_key *earlier;
	bool is_exposed;
	char *value;

	r->place.key = NULL;
	if (!conf_line_check_name(name, &r->place, r->err))
		return false;
	r->place.key = name;
	earlier = conf_key(r->section, name);
	if (earlier)
		return conf_fail(r->err, &r->place, "already set in %s:%d", earlier->file,
				 earlier->line);
	value = conf_value_resolve(raw, &r->place, &is_exposed, r->err);
	if (!value)
		return false;
	conf_add_key(r->section, name, value, r->place.file, r->place.line)->is_exposed =
		is_exposed;
	conf_free_text(value);
	return true;
}

static int take_key(void *user, const char *section, const char *name, const char *value)
{
	struct reader *r = user;

	(void)section; /* one line has none; ours is r->section */
	r->has_failed = !add_key(r, name, value);
	r->place.key = NULL;
	return !r->has_failed;
}

static bool split_key(struct reader *r, char *text)
{
	char *separator = find_stop(text, "=:");
	char *value = separator + 1;

	if (*separator == '\0' || *separator == ';')
		return fail(r, "missing '='");
	*separator = '\0';
	*find_stop(value, "") = '\0';
	return take_key(r, NULL, trim(text), trim(value));
}

static bool read_key(struct reader *r, char *text)
{
	if (!r->section)
		return fail(r, "a key before any [section]");
	/* It would also drop a byte order mark, since to inih every line is a first one. */
	if (strlen(text) > INIH_LINE_MAX || strcspn(text, "=:") > INIH_NAME_MAX ||
	    (unsigned char)*text > 0x7F)
		return split_key(r, text);
	if (ini_parse_string(text, take_key, r) == 0)
		return true;
	return r->has_failed ? false : fail(r, "missing '='");
}

static bool read_section(struct reader *r, char *text)
{
	char *end = strchr(text, ']');
	const struct conf_section *earlier;
	char *rest, *name;

	r->place.section = NULL;
	if (!end)
		return fail(r, "missing ']'");
	rest = trim(end + 1);
	if (*rest && *rest != ';' && *rest != '#')
		return fail(r, "text after ']'");
	*end = '\0';
	name = trim(text + 1);
	if (!conf_line_check_name(name, &r->place, r->err))
		return false;
	earlier = conf_section(r->conf, name);
	if (earlier) {
		r->place.section = name;
		return conf_fail(r->err, &r->place, "this section already stands in %s:%d",
				 earlier->file, earlier->line);
	}
	r->section = conf_add_section(r->conf, name, r->place.file, r->place.line);
	r->place.section = r->section->name;
	return true;
}

/* line is NUL-terminated in place of its line end. */
static bool read_line(struct reader *r, char *line, size_t len)
{
	if (len > CONF_LINE_MAX)
		return fail(r,
			    "a line longer than 8192 bytes; put the value in a file, key = @FILE");
	if (memchr(line, '\0', len))
		return fail(r, "a NUL byte");
	line = trim(line);
	for (const char *p = line; *p; p++) {
		if (iscntrl((unsigned char)*p) && *p != '\t')
			return fail(r, "a control character");
	}
	if (*line == '\0' || *line == ';' || *line == '#')
		return true;
	return *line == '[' ? read_section(r, line) : read_key(r, line);
}

bool conf_line_read_bytes(struct conf *conf, const char *file, char *bytes, size_t len,
			  struct err *err)
{
	struct reader r = { .conf = conf, .place.file = file, .err = err };
	char *end = bytes + len;

	if (len >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0)
		bytes += 3;
	while (bytes < end) {
		char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
		char *next = newline ? newline + 1 : end;

		if (newline)
			*newline = '\0';
		r.place.line++;
		if (!read_line(&r, bytes, (size_t)((newline ? newline : end) - bytes)))
			return false;
		bytes = next;
	}
	return true;
}

bool conf_line_read_file(struct conf *conf, const char *path, struct err *err)
{
	size_t len;
	mode_t mode;
	char *bytes = file_read(path, FILE_MAX, &len, &mode, err);
	bool ok;

	if (!bytes)
		return false;
	ok = conf_line_read_bytes(conf, conf_add_file(conf, path), bytes, len, err);
	explicit_bzero(bytes, len);
	free(bytes);
	return ok;
}
