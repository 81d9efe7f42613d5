/* SPDX-License-Identifier: Apache-2.0 */
/* Strict JSON in and compact JSON out, on jansson. [any] */
#ifndef JSON_H
#define JSON_H

#include "arena.h"

#include <jansson.h>

/* [main] Before any JSON and any thread: what passes through it may be a secret, so its memory is wiped
 * when it is given back, and without memory the process ends. */
void json_start(void);

#define JSON_MAX_DEPTH 16
#define JSON_MAX_KEYS 256

/*
 * Parses one document of any type: no duplicate keys, no NUL in strings, valid UTF-8, nothing after
 * it, at most JSON_MAX_DEPTH deep and JSON_MAX_KEYS members in all (both checked before parsing).
 * NULL when it is not; then why_out says what is wrong: "not JSON", "too deep", "duplicate key",
 * "too many keys".
 */
json_t *json_parse(const char *text, size_t len, const char **why_out);
/* Compact text in the arena. */
char *json_text(struct arena *arena, const json_t *json);
/* A text member without NUL inside; NULL when absent or of another type. Borrowed. */
const char *json_text_member(const json_t *object, const char *name);

#endif
