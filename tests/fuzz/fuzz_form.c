/* SPDX-License-Identifier: Apache-2.0 */
/* What is accepted is an object of at most 64 texts. */
#include "form.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
	json_t *form = form_parse((struct slice){ (const char *)input, len }), *value;
	const char *name;

	assert(!form || json_object_size(form) <= 64);
	json_object_foreach(form, name, value)
		assert(name[0] != '\0' && json_is_string(value));
	json_decref(form);
	return 0;
}
