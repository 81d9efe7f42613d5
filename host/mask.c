/* SPDX-License-Identifier: Apache-2.0 */
/* Masks of identifier.h. They count code points, and hide all of what is too short to hide a part of. */
#include "identifier.h"

#include "utf8.h"

#include <stdio.h>
#include <string.h>

#define MAINLAND "+86"
#define MAINLAND_DIGITS 11
#define FOREIGN_MIN 8 /* digits after the country code that may show four */
#define ID_CARD_MIN 12
#define CARD_MIN 8

/* Byte offset of the n-th code point of text. */
static size_t offset_of(const char *text, size_t n)
{
	const char *at = text;

	while (n-- > 0 && utf8_next(&at) != 0)
		;
	return (size_t)(at - text);
}

/* The first n_head and last n_tail code points with n_stars between them. */
static void keep_ends(const char *text, size_t n_head, size_t n_stars, size_t n_tail,
		      char out[IDENTIFIER_MAX])
{
	static const char stars[] = "****************";
	size_t count = utf8_count(text);
	const char *tail = text + offset_of(text, count > n_tail ? count - n_tail : 0);
	int head_len = (int)offset_of(text, n_head);

	if (n_stars > sizeof(stars) - 1)
		n_stars = sizeof(stars) - 1;
	(void)snprintf(out, IDENTIFIER_MAX, "%.*s%.*s%.*s", head_len, text, (int)n_stars, stars,
		       n_tail > 0 ? IDENTIFIER_MAX : 0, tail);
}

void mask_phone(const char *phone, char out[IDENTIFIER_MAX])
{
	char country[4];
	size_t n_head;

	if (strncmp(phone, MAINLAND, strlen(MAINLAND)) == 0)
		phone += strlen(MAINLAND);
	if (phone[0] != '+') {
		keep_ends(phone, 3, 4, 4, out);
		if (strlen(phone) < MAINLAND_DIGITS)
			(void)snprintf(out, IDENTIFIER_MAX, "****");
		return;
	}
	n_head = 1 + strlen(identifier_country(phone, country));
	keep_ends(phone, n_head, 4, strlen(phone) - n_head < FOREIGN_MIN ? 2 : 4, out);
}

void mask_email(const char *email, char out[IDENTIFIER_MAX])
{
	const char *at = strrchr(email, '@');

	if (!at || at == email) {
		mask_name(email, out);
		return;
	}
	(void)snprintf(out, IDENTIFIER_MAX, "%.*s***%s", (int)offset_of(email, 1), email, at);
}

void mask_name(const char *name, char out[IDENTIFIER_MAX])
{
	size_t count = utf8_count(name);

	keep_ends(name, count > 1 ? 1 : 0, count > 0 ? 1 : 0, 0, out);
}

void mask_id_card(const char *number, char out[IDENTIFIER_MAX])
{
	size_t count = utf8_count(number);

	if (count < ID_CARD_MIN)
		keep_ends(number, 0, count, 0, out);
	else
		keep_ends(number, 4, count - 8, 4, out);
}

void mask_card(const char *number, char out[IDENTIFIER_MAX])
{
	keep_ends(number, 0, 4, utf8_count(number) < CARD_MIN ? 0 : 4, out);
}

void mask_subject(const char *ns, const char *subject, char out[IDENTIFIER_MAX])
{
	if (strcmp(ns, "phone") == 0)
		mask_phone(subject, out);
	else if (strcmp(ns, "email") == 0)
		mask_email(subject, out);
	else
		mask_name(subject, out);
}
