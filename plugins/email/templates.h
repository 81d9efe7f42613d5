/* SPDX-License-Identifier: Apache-2.0 */
/* What the mails say: a subject, a text and an HTML form of it for each language, with names in braces. */
#ifndef TEMPLATES_H
#define TEMPLATES_H

#include <stddef.h>

enum template_part { TEMPLATE_SUBJECT, TEMPLATE_TEXT, TEMPLATE_HTML, TEMPLATE_PARTS };
enum { TEMPLATE_ZH, TEMPLATE_EN, TEMPLATE_LANGS };

/* A value for {{name}}. */
struct template_var {
	const char *name, *value;
};

/* What is wrong with text as that part, maybe written into why; NULL when nothing is. has_link: the mails
 * have one, and must show it. */
const char *template_fault(const char *text, enum template_part part, int has_link, char *why,
			   size_t why_len);
/* [any] text with its values, escaped as the part needs it; to be freed by the caller. NULL without
 * memory. vars end with a NULL name. */
char *template_fill(const char *text, enum template_part part, const struct template_var *vars);

/* builtin.c: without and with a link, by language and part. */
extern const char *const templates_builtin[2][TEMPLATE_LANGS][TEMPLATE_PARTS];
/* To the addresses of an account: none of them is its own any more, it has one more, or one less. */
enum template_notice { NOTICE_CHANGED, NOTICE_ADDED, NOTICE_REMOVED, TEMPLATE_NOTICES };
extern const char *const templates_notices[TEMPLATE_NOTICES][TEMPLATE_LANGS][TEMPLATE_PARTS];

#endif
