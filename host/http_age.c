/* SPDX-License-Identifier: Apache-2.0 */
#include "http_age.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define SECONDS_MAX 2147483648 /* RFC 9111, 1.2.2: what is more is as much */
#define NOT_SAID INT64_MAX

/* 0 for what is no number. */
static int64_t seconds(const char *text, size_t len)
{
	int64_t number = 0;

	if (len >= 2 && text[0] == '"' && text[len - 1] == '"') {
		text++;
		len -= 2;
	}
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		if (number < SECONDS_MAX)
			number = 10 * number + text[i] - '0';
	}
	return number < SECONDS_MAX ? number : SECONDS_MAX;
}

/* Whether text is the directive name, alone or with an argument. */
static bool is_directive(const char *text, size_t len, const char *name)
{
	size_t name_len = strlen(name);

	return len >= name_len && strncasecmp(text, name, name_len) == 0 &&
	       (len == name_len || text[name_len] == '=');
}

static int64_t directive_s(const char *text, size_t len)
{
	static const char max_age[] = "max-age";

	if (is_directive(text, len, "no-store") || is_directive(text, len, "no-cache"))
		return 0;
	if (!is_directive(text, len, max_age))
		return NOT_SAID;
	return len > sizeof(max_age) ? seconds(text + sizeof(max_age), len - sizeof(max_age)) : 0;
}

/* The least that is said. A comma inside quotes makes two of one directive, and what is within them is heard
 * as well: that makes it less, never more. */
static int64_t list_s(const char *list)
{
	int64_t least = NOT_SAID;

	while (*list) {
		size_t len, whole;
		int64_t said;

		list += strspn(list, " \t,");
		whole = strcspn(list, ",");
		for (len = whole; len > 0 && strchr(" \t", list[len - 1]); len--)
			;
		said = directive_s(list, len);
		least = said < least ? said : least;
		list += whole;
	}
	return least;
}

int64_t http_age_left_ms(CURL *easy)
{
	int64_t least = NOT_SAID, age = 0;
	struct curl_header *header;

	for (size_t i = 0;
	     curl_easy_header(easy, "Cache-Control", i, CURLH_HEADER, -1, &header) == CURLHE_OK;
	     i++) {
		int64_t said = list_s(header->value);

		least = said < least ? said : least;
	}
	if (least == NOT_SAID)
		return 0;
	if (curl_easy_header(easy, "Age", 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
		age = seconds(header->value, strlen(header->value));
	return least > age ? (least - age) * 1000 : 0;
}
