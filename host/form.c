/* SPDX-License-Identifier: Apache-2.0 */
#include "form.h"

#include "ascii.h"
#include "xalloc.h"

#include <stdlib.h>

#define MAX_PAIRS 64

/* The byte that *at starts with, decoded, and *at moved on; -1 when it is malformed or a control. */
static int decode_byte(const char **at, const char *end)
{
	const char *text = *at;
	int high, low;

	if (*text != '%') {
		(*at)++;
		if (*text == '+')
			return ' ';
		return (unsigned char)*text < ' ' || *text == 0x7f ? -1 : (unsigned char)*text;
	}
	if (end - text < 3)
		return -1;
	high = ascii_hex(text[1]);
	low = ascii_hex(text[2]);
	*at += 3;
	return high < 0 || low < 0 || high + low == 0 ? -1 : high * 16 + low;
}

/* out has room for as many bytes as text and a NUL. */
static bool decode(struct slice text, char *out)
{
	const char *at = text.ptr, *end = text.ptr + text.len;

	while (at < end) {
		int byte = decode_byte(&at, end);

		if (byte < 0)
			return false;
		*out++ = (char)byte;
	}
	*out = '\0';
	return true;
}

static bool add_pair(json_t *object, struct slice pair, char *buffer)
{
	const char *equals = memchr(pair.ptr, '=', pair.len);
	struct slice name = { pair.ptr, equals ? (size_t)(equals - pair.ptr) : pair.len };
	struct slice value = { pair.ptr + name.len, 0 };
	char *name_text = buffer, *value_text = buffer + name.len + 1;

	if (equals)
		value = (struct slice){ equals + 1, pair.len - name.len - 1 };
	if (name.len == 0 || !decode(name, name_text) || !decode(value, value_text))
		return false;
	if (json_object_get(object, name_text) || json_object_size(object) == MAX_PAIRS)
		return false;
	/* Refuses what is not UTF-8, in either. */
	return json_object_set_new(object, name_text, json_string(value_text)) == 0;
}

static struct slice take_pair(struct slice *rest)
{
	const char *at = memchr(rest->ptr, '&', rest->len);
	struct slice pair = { rest->ptr, at ? (size_t)(at - rest->ptr) : rest->len };
	size_t taken = at ? pair.len + 1 : pair.len;

	rest->ptr += taken;
	rest->len -= taken;
	return pair;
}

json_t *form_parse(struct slice text)
{
	size_t size = text.len + 2; /* two NULs */
	char *buffer = xcalloc(1, size);
	json_t *object = json_object();

	if (!object)
		out_of_memory();
	while (text.len > 0) {
		struct slice pair = take_pair(&text);

		if (pair.len > 0 && !add_pair(object, pair, buffer)) {
			json_decref(object);
			object = NULL;
			break;
		}
	}
	explicit_bzero(buffer, size); /* a form may carry a secret */
	free(buffer);
	return object;
}
