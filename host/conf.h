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

struct conf_key {
	char *name, *value; /* value with ${ENV} and @file resolved */
	const char *file;
	int line;
	bool is_used; /* somebody has bound it */
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

/* Reads dir/<name>.ini in byte order, then the overrides. On failure conf is empty and err says file, line,
 * key and reason. */
bool conf_read(struct conf *conf, const char *dir, const struct conf_override *overrides,
	       size_t n_overrides, struct err *err);
void conf_fini(struct conf *conf); /* wipes the values */
struct conf_section *conf_section(const struct conf *conf, const char *name);
struct conf_key *conf_key(const struct conf_section *section, const char *name);

#endif
