/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf.d as text: sections and keys with the file and line each came from, before anybody says what
 * they mean. The file is read line by line and each line given to inih alone, since Debian's inih cuts
 * long lines and names. A value continues nowhere: an indented key is a key.
 */
#ifndef CONF_H
#define CONF_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>

#define CONF_LINE_MAX 8192
#define CONF_NAME_MAX 48 /* of a section or key, in bytes */

struct conf_key {
	char *name, *value; /* value with ${ENV} and @file resolved */
	const char *file;
	int line;
	bool is_used;    /* somebody has bound it */
	bool is_exposed; /* it came from a file that everybody on this machine can read */
};

struct conf_section {
	char *name;
	const char *file;
	int line;
	struct conf_key *keys;
	size_t n_keys;
};

struct conf {
	struct conf_section *sections;
	size_t n_sections;
	char **files;
	size_t n_files;
};

/* One -o section.key=value; the last dot before '=' splits. */
struct conf_override {
	const char *text;
};

/* What an error is about; absent parts are NULL or 0. */
struct conf_place {
	const char *file;
	int line;
	const char *section, *key;
};

/* Reads dir/<name>.ini in byte order, then the overrides. On failure conf is empty and err says file, line,
 * key and reason. */
bool conf_read(struct conf *conf, const char *dir, const struct conf_override *overrides,
	       size_t n_overrides, struct err *err);
void conf_fini(struct conf *conf); /* wipes the values */
struct conf_section *conf_section(const struct conf *conf, const char *name);
struct conf_key *conf_key(const struct conf_section *section, const char *name);

/* Building one: what conf_read and snapshot_receive do. Texts are copied; file is one of conf_add_file. */
const char *conf_add_file(struct conf *conf, const char *name);
struct conf_section *conf_add_section(struct conf *conf, const char *name, const char *file,
				      int line);
struct conf_key *conf_add_key(struct conf_section *section, const char *name, const char *value,
			      const char *file, int line);

void conf_free_text(char *text); /* wipes it; NULL is fine */

/* "file:line: [section] key: reason"; returns false. */
bool conf_fail(struct err *err, const struct conf_place *place, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The place of a key of section, or of the section when it lacks the key; section may be NULL. */
struct conf_place conf_place_of(const struct conf_section *section, const char *section_name,
				const char *key);

#endif
