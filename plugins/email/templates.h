/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the mails say: a subject, a text and an HTML form of it for each language. In a folder they are
 * files such as code.zh.html; login.zh.html is for that purpose only. What is no file there is built in.
 */
#ifndef TEMPLATES_H
#define TEMPLATES_H

#include <pintle/host.h>

struct templates;

enum template_part { TEMPLATE_SUBJECT, TEMPLATE_TEXT, TEMPLATE_HTML, TEMPLATE_PARTS };

/* Purposes that have mails: login to change. */
#define TEMPLATE_PURPOSES 5

/* A value for {{name}}. */
struct template_var {
	const char *name, *value;
};

/* folder may be empty. On failure INTERNAL or INVALID, with the file and the reason in err. */
int32_t templates_new(const char *folder, struct templates **out, char *err, size_t err_len);
void templates_free(struct templates *templates);
/* [any] One part with its values, escaped as the part needs it; to be freed by the caller. NULL without
 * memory. vars end with a NULL name. */
char *templates_fill(const struct templates *templates, int32_t purpose, const char *lang,
		     enum template_part part, const struct template_var *vars);

/* builtin.c: by language (zh, en) and part. */
extern const char *const templates_builtin[2][TEMPLATE_PARTS];

#endif
