/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of one ini file. */
#ifndef CONF_LINE_H
#define CONF_LINE_H

#include "conf.h"

/* Adds the sections and keys of a file to conf. */
bool conf_line_read_file(struct conf *conf, const char *path, struct err *err);
/* The same for bytes at hand; file is one of conf_add_file. The bytes are scratch. */
bool conf_line_read_bytes(struct conf *conf, const char *file, char *bytes, size_t len,
			  struct err *err);
/* Whether a section or key can be called that: not empty, no longer than CONF_NAME_MAX, printable. */
bool conf_line_check_name(const char *name, const struct conf_place *place, struct err *err);

#endif
