/* SPDX-License-Identifier: Apache-2.0 */
/* A record that is read is written and read again to the same bytes. */
#include "flow.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct arena arena = { 0 };
	struct flow flow, again;
	size_t first_len, second_len;
	const char *first, *second;

	if (!flow_decode(&flow, bytes, len))
		return 0;
	first = flow_encode(&arena, &flow, &first_len);
	if (first) {
		if (!flow_decode(&again, first, first_len))
			abort();
		second = flow_encode(&arena, &again, &second_len);
		if (!second || first_len != second_len || memcmp(first, second, first_len) != 0)
			abort();
		flow_fini(&again);
	}
	flow_fini(&flow);
	arena_fini(&arena);
	return 0;
}
