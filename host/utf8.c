/* SPDX-License-Identifier: Apache-2.0 */
#include "utf8.h"

#include <string.h>

static size_t sequence_len(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xC2 && lead <= 0xDF)
		return 2;
	if (lead >= 0xE0 && lead <= 0xEF)
		return 3;
	if (lead >= 0xF0 && lead <= 0xF4)
		return 4;
	return 0;
}

int32_t utf8_next(const char **text)
{
	static const int32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *s = (const unsigned char *)*text;
	size_t len = sequence_len(s[0]);
	int32_t point;

	if (s[0] == '\0')
		return 0;
	*text += 1;
	if (len == 1)
		return s[0];
	if (len == 0)
		return UTF8_BAD;
	point = s[0] & (0x7F >> len);
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xC0) != 0x80)
			return UTF8_BAD;
		point = point << 6 | (s[i] & 0x3F);
	}
	if (point < smallest[len] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF))
		return UTF8_BAD;
	*text += len - 1;
	return point;
}

bool utf8_is_valid(const char *text)
{
	int32_t point;

	do
		point = utf8_next(&text);
	while (point > 0);
	return point != UTF8_BAD;
}

size_t utf8_count(const char *text)
{
	size_t n = 0;

	while (utf8_next(&text) != 0)
		n++;
	return n;
}

void utf8_copy(char *out, size_t size, const char *text)
{
	const char *at = text, *start = text;
	size_t len = 0;
	int32_t point;

	while (text && (point = utf8_next(&at)) != 0 && len + (size_t)(at - start) < size) {
		if (point == UTF8_BAD)
			out[len] = '?';
		else
			memcpy(out + len, start, (size_t)(at - start));
		len += (size_t)(at - start);
		start = at;
	}
	out[len] = '\0';
}
