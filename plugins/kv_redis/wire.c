/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <stdlib.h>
#include <string.h>

#define FRAME_MAX 32 /* "$", a length, two line ends */
#define NUMBER_MAX 24

static bool make_room(struct wire *wire, size_t len)
{
	size_t size = wire->size ? wire->size : 512;
	char *bytes;

	if (wire->is_broken || wire->len + len <= wire->size)
		return !wire->is_broken;
	while (size < wire->len + len)
		size *= 2;
	bytes = realloc(wire->bytes, size);
	wire->is_broken = !bytes;
	if (!bytes)
		return false;
	wire->bytes = bytes;
	wire->size = size;
	return true;
}

/* The digits of number before end; where they begin. */
static char *digits(uint64_t number, char *end)
{
	do {
		*--end = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	return end;
}

static void put_bytes(struct wire *wire, const void *bytes, size_t len)
{
	if (len > 0)
		memcpy(wire->bytes + wire->len, bytes, len);
	wire->len += len;
}

static void put_count(struct wire *wire, char mark, size_t count)
{
	char text[NUMBER_MAX], *end = text + sizeof(text), *at = digits(count, end);

	wire->bytes[wire->len++] = mark;
	put_bytes(wire, at, (size_t)(end - at));
	put_bytes(wire, "\r\n", 2);
}

void wire_begin(struct wire *wire, size_t n_words)
{
	wire->len = 0;
	wire->is_broken = false;
	if (make_room(wire, FRAME_MAX))
		put_count(wire, '*', n_words);
}

void wire_put_pair(struct wire *wire, const void *a, size_t a_len, const void *b, size_t b_len)
{
	if (!make_room(wire, a_len + b_len + FRAME_MAX))
		return;
	put_count(wire, '$', a_len + b_len);
	put_bytes(wire, a, a_len);
	put_bytes(wire, b, b_len);
	put_bytes(wire, "\r\n", 2);
}

void wire_put(struct wire *wire, const void *bytes, size_t len)
{
	wire_put_pair(wire, bytes, len, NULL, 0);
}

void wire_put_text(struct wire *wire, const char *text)
{
	wire_put(wire, text, strlen(text));
}

void wire_put_number(struct wire *wire, int64_t number)
{
	char text[NUMBER_MAX], *end = text + sizeof(text);
	char *at = digits(number < 0 ? 0 - (uint64_t)number : (uint64_t)number, end);

	if (number < 0)
		*--at = '-';
	wire_put(wire, at, (size_t)(end - at));
}

void wire_fini(struct wire *wire)
{
	free(wire->bytes);
	*wire = (struct wire){ 0 };
}
