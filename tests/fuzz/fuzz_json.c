/* SPDX-License-Identifier: Apache-2.0 */
/* What parses is written and parses again to the same; what does not has one of the four reasons. */
#include "json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_reason(const char *why)
{
	if (strcmp(why, "not JSON") != 0 && strcmp(why, "too deep") != 0 &&
	    strcmp(why, "duplicate key") != 0 && strcmp(why, "too many keys") != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct arena arena = { 0 };
	const char *why = "", *text;
	json_t *json = json_parse((const char *)bytes, len, &why), *again;

	if (!json) {
		check_reason(why);
		return 0;
	}
	text = json_text(&arena, json);
	again = json_parse(text, strlen(text), &why);
	if (!again || !json_equal(json, again))
		abort();
	json_decref(again);
	json_decref(json);
	arena_fini(&arena);
	return 0;
}
