/* SPDX-License-Identifier: Apache-2.0 */
/* What goes to a webhook and what its answer means. [any] */
#ifndef BODY_H
#define BODY_H

#include <stddef.h>

/* A value for {{name}}. */
struct body_var {
	const char *name, *value; /* NULL: empty */
};

/* Whether every {{…}} of template is one of names (NULL-terminated); else the first that is not. */
int body_check(const char *template, const char *const *names, char *bad_out, size_t bad_len);
/* template with each {{name}} replaced by its value, escaped for the inside of a JSON string. To be
 * freed by the caller; NULL without memory. */
char *body_fill(const char *template, const struct body_var *vars, size_t n_vars, size_t *len_out);
/* The text or number at a JSON pointer (RFC 6901) of a JSON text, to be freed; NULL when there is none. */
char *body_pick(const char *json, size_t len, const char *pointer);

#endif
