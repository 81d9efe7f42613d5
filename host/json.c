/* SPDX-License-Identifier: Apache-2.0 */
/* jansson parses; what it does not bound (depth, members) is counted in a scan before. */
#include "json.h"

#include "xalloc.h"

#include <assert.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static void *take(size_t len)
{
	return xcalloc(1, len);
}

static void wipe_and_give(void *ptr)
{
	if (ptr)
		explicit_bzero(ptr, malloc_usable_size(ptr));
	free(ptr);
}

void json_start(void)
{
	json_set_alloc_funcs(take, wipe_and_give);
	json_object_seed(0);
}

/* What a text would cost to parse. Right for JSON; for anything else jansson stops at the same
 * place at which this count goes astray. */
struct extent {
	size_t depth, n_keys;
};

/* The end of the string that starts behind i. */
static size_t skip_string(const char *text, size_t len, size_t i)
{
	for (i++; i < len && text[i] != '"'; i++) {
		if (text[i] == '\\')
			i++;
	}
	return i;
}

static struct extent measure(const char *text, size_t len)
{
	struct extent extent = { 0 };
	size_t open = 0;

	for (size_t i = 0; i < len; i++) {
		switch (text[i]) {
		case '"':
			i = skip_string(text, len, i);
			break;
		case '{':
		case '[':
			if (++open > extent.depth)
				extent.depth = open;
			break;
		case '}':
		case ']':
			if (open > 0)
				open--;
			break;
		case ':':
			extent.n_keys++;
			break;
		default:
			break;
		}
	}
	return extent;
}

json_t *json_parse(const char *text, size_t len, const char **why_out)
{
	struct extent extent = measure(text, len);
	json_error_t error;
	json_t *json;

	if (extent.depth > JSON_MAX_DEPTH) {
		*why_out = "too deep";
		return NULL;
	}
	if (extent.n_keys > JSON_MAX_KEYS) {
		*why_out = "too many keys";
		return NULL;
	}
	json = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (json)
		return json;
	*why_out =
		json_error_code(&error) == json_error_duplicate_key ? "duplicate key" : "not JSON";
	return NULL;
}

char *json_text(struct arena *arena, const json_t *json)
{
	const size_t flags = JSON_COMPACT | JSON_ENCODE_ANY;
	size_t len = json_dumpb(json, NULL, 0, flags);
	char *text;

	assert(len > 0);
	text = arena_alloc(arena, len + 1);
	(void)json_dumpb(json, text, len, flags); /* the length is known to fit */
	return text;
}

const char *json_text_member(const json_t *object, const char *name)
{
	const json_t *member = json_object_get(object, name);
	const char *text = json_string_value(member);

	if (!text || strlen(text) != json_string_length(member))
		return NULL;
	return text;
}
