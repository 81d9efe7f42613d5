/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one canonical spelling of each kind of identifier, applied once at the border and used by login,
 * counters, bans, uniqueness and look-up alike; and how each is shown to others. [any]
 */
#ifndef IDENTIFIER_H
#define IDENTIFIER_H

#include <stdbool.h>

#define IDENTIFIER_MAX 256

/*
 * kind "phone": E.164; a number without country is of mainland China; spaces, hyphens, brackets and
 *   full-width digits are accepted.
 * kind "email": RFC 5321 lengths, ASCII, all lower case, LDH domain with a dot.
 * kind "username": 3 to 32 of a-z 0-9 . _ -, lower-cased, starts with a letter (so it is never a number
 *   nor an address).
 * False when text is NULL or none of that kind, or the kind is unknown.
 */
bool identifier_canonical(const char *kind, const char *text, char out[IDENTIFIER_MAX]);
/* "phone", "email" or "username" by the look of text; NULL when none fits. */
const char *identifier_kind(const char *text);
/* The country calling code of a canonical phone number, without '+'. */
const char *identifier_country(const char *phone, char out[4]);

/* Masks for answers and logs, counted in code points: 138****8000, a***@example.com, 王*, and for any
 * other namespace the first character. */
void mask_phone(const char *phone, char out[IDENTIFIER_MAX]);
void mask_email(const char *email, char out[IDENTIFIER_MAX]);
void mask_name(const char *name, char out[IDENTIFIER_MAX]);
void mask_id_card(const char *number, char out[IDENTIFIER_MAX]);
void mask_card(const char *number, char out[IDENTIFIER_MAX]);
void mask_subject(const char *ns, const char *subject, char out[IDENTIFIER_MAX]);

#endif
