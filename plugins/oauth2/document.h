/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JSON document of an issuer that all sign-ins of an instance share: asked for once, kept as long as the
 * issuer lets it, and used on when the issuer is not to be had.
 */
#ifndef DOCUMENT_H
#define DOCUMENT_H

#include <jansson.h>
#include <pintle/plugin.h>
#include <stdbool.h>

struct oauth2;

struct document;

/* NULL when json is what it should be, else what is wrong with it, for the log. */
typedef const char *document_check(const struct oauth2 *self, const json_t *json);

struct document *document_new(void); /* NULL without memory */
void document_free(struct document *document);

/* [worker] The document at url, to be json_decref'ed. wants_newer: what was had before does not do; that is
 * heard once in 30 s, else the last answer holds: the document, or the fault. Somebody else may be asking for it already: then that
 * answer is waited for, unless there is an old one. A fault when there is none to be had. */
int32_t document_get(const struct oauth2 *self, struct pintle_call *call, struct document *document,
		     const char *url, document_check *check, bool wants_newer, json_t **out);

#endif
