/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical spellings. What is not surely one person's identifier is refused, never guessed. */
#include "identifier.h"

#include "utf8.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define E164_MIN 7 /* digits with the country code */
#define E164_MAX 15
#define PHONE_TYPED_MAX 24 /* digits of an input, "00" included */
#define LOCAL_MAX 64       /* RFC 5321 4.5.3.1 */
#define LABEL_MAX 63
#define EMAIL_MAX 254
#define USERNAME_MIN 3
#define USERNAME_MAX 32

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static char to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* ---- Phone ---- */

static bool is_phone_filler(int32_t point)
{
	switch (point) {
	case ' ':
	case '-':
	case '(':
	case ')':
	case 0x3000: /* full-width space, hyphen and brackets */
	case 0xFF0D:
	case 0xFF08:
	case 0xFF09:
		return true;
	default:
		return false;
	}
}

/* The digits of text, full-width ones too; a leading plus sets *has_plus_out. */
static bool phone_digits(const char *text, char out[PHONE_TYPED_MAX + 1], bool *has_plus_out)
{
	size_t n = 0;
	int32_t point;

	*has_plus_out = false;
	while ((point = utf8_next(&text)) != 0) {
		if (is_phone_filler(point))
			continue;
		if (point >= 0xFF10 && point <= 0xFF19)
			point = point - 0xFF10 + '0';
		if ((point == '+' || point == 0xFF0B) && n == 0 && !*has_plus_out) {
			*has_plus_out = true;
			continue;
		}
		if (point < '0' || point > '9' || n == PHONE_TYPED_MAX)
			return false;
		out[n++] = (char)point;
	}
	out[n] = '\0';
	return n > 0;
}

static bool is_mainland_mobile(const char *national)
{
	return strlen(national) == 11 && national[0] == '1' && national[1] >= '3';
}

/* Countries whose numbers have one shape are held to it, so that no second spelling gets in. */
static bool is_national_ok(const char *number)
{
	size_t len = strlen(number);

	if (strncmp(number, "86", 2) == 0)
		return is_mainland_mobile(number + 2);
	if (strncmp(number, "852", 3) == 0 || strncmp(number, "853", 3) == 0)
		return len == 3 + 8;
	if (strncmp(number, "886", 3) == 0)
		return len == 3 + 9 && number[3] == '9';
	return len >= E164_MIN && len <= E164_MAX;
}

static bool phone_canonical(const char *text, char out[IDENTIFIER_MAX])
{
	char digits[PHONE_TYPED_MAX + 1] = "";
	const char *number = digits;
	bool has_plus;

	if (!phone_digits(text, digits, &has_plus))
		return false;
	if (!has_plus && is_mainland_mobile(digits)) {
		(void)snprintf(out, IDENTIFIER_MAX, "+86%s", digits);
		return true;
	}
	if (!has_plus && strncmp(digits, "00", 2) == 0)
		number += 2;
	else if (!has_plus && strncmp(digits, "86", 2) != 0)
		return false;
	if (number[0] == '0' || !is_national_ok(number))
		return false;
	(void)snprintf(out, IDENTIFIER_MAX, "+%s", number);
	return true;
}

const char *identifier_country(const char *phone, char out[4])
{
	static const char *const two_digits[] = {
		"20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41",
		"43", "44", "45", "46", "47", "48", "49", "51", "52", "53", "54",
		"55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66",
		"81", "82", "84", "86", "90", "91", "92", "93", "94", "95", "98",
	};
	const char *number = phone[0] == '+' ? phone + 1 : phone;
	size_t len = 3;

	if (number[0] == '1' || number[0] == '7')
		len = 1;
	for (size_t i = 0; i < sizeof(two_digits) / sizeof(two_digits[0]); i++) {
		if (strncmp(number, two_digits[i], 2) == 0)
			len = 2;
	}
	(void)snprintf(out, 4, "%.*s", (int)len, number);
	return out;
}

/* ---- E-mail ---- */

/* atext of RFC 5322 and the dot; quoted forms are refused. */
static bool is_local_ok(const char *local, size_t len)
{
	if (len == 0 || len > LOCAL_MAX || local[0] == '.' || local[len - 1] == '.')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (local[i] == '.' && local[i + 1] == '.')
			return false;
		if (!is_digit(local[i]) && !is_lower(local[i]) &&
		    !strchr("!#$%&'*+-/=?^_`{|}~.", local[i]))
			return false;
	}
	return true;
}

static bool is_label_ok(const char *label, size_t len)
{
	if (len == 0 || len > LABEL_MAX || label[0] == '-' || label[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_digit(label[i]) && !is_lower(label[i]) && label[i] != '-')
			return false;
	}
	return true;
}

/* At least two labels, the last of which does not start with a digit: no address is a domain. */
static bool is_domain_ok(const char *domain)
{
	const char *dot;

	if (!strchr(domain, '.'))
		return false;
	for (; (dot = strchr(domain, '.')); domain = dot + 1) {
		if (!is_label_ok(domain, (size_t)(dot - domain)))
			return false;
	}
	return is_label_ok(domain, strlen(domain)) && is_lower(domain[0]);
}

/* text without blanks at its ends, in lower case; false when it has more than max bytes. */
static bool trim_and_lower(const char *text, size_t max, char out[IDENTIFIER_MAX])
{
	size_t len;

	text += strspn(text, " ");
	len = strlen(text);
	while (len > 0 && text[len - 1] == ' ')
		len--;
	if (len > max)
		return false;
	for (size_t i = 0; i < len; i++)
		out[i] = to_lower(text[i]);
	out[len] = '\0';
	return true;
}

static bool email_canonical(const char *text, char out[IDENTIFIER_MAX])
{
	const char *at;

	if (!trim_and_lower(text, EMAIL_MAX, out))
		return false;
	at = strchr(out, '@');
	return at && is_local_ok(out, (size_t)(at - out)) && is_domain_ok(at + 1);
}

/* ---- Username ---- */

static bool username_canonical(const char *text, char out[IDENTIFIER_MAX])
{
	size_t len;

	if (!trim_and_lower(text, USERNAME_MAX, out))
		return false;
	len = strlen(out);
	if (len < USERNAME_MIN || !is_lower(out[0]))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_lower(out[i]) && !is_digit(out[i]) && !strchr("._-", out[i]))
			return false;
	}
	return true;
}

bool identifier_canonical(const char *kind, const char *text, char out[IDENTIFIER_MAX])
{
	out[0] = '\0';
	if (!text)
		return false;
	if (strcmp(kind, "phone") == 0)
		return phone_canonical(text, out);
	if (strcmp(kind, "email") == 0)
		return email_canonical(text, out);
	if (strcmp(kind, "username") == 0)
		return username_canonical(text, out);
	return false;
}

const char *identifier_kind(const char *text)
{
	static const char *const kinds[] = { "phone", "email", "username" };
	char canonical[IDENTIFIER_MAX] = "";

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (identifier_canonical(kinds[i], text, canonical))
			return kinds[i];
	}
	return NULL;
}
