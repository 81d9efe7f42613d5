/* SPDX-License-Identifier: Apache-2.0 */
/* What is canonical is stable, plain ASCII, and looks like its kind; every mask is well-formed. */
#include "identifier.h"
#include "utf8.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len);

static void check_canonical(const char *kind, const char *text)
{
	char once[IDENTIFIER_MAX], twice[IDENTIFIER_MAX], country[4];

	if (!identifier_canonical(kind, text, once))
		return;
	assert(identifier_canonical(kind, once, twice) && strcmp(once, twice) == 0);
	for (const char *at = once; *at; at++)
		assert(*at > ' ' && *at < 0x7F && !(*at >= 'A' && *at <= 'Z'));
	assert(strcmp(identifier_kind(once), kind) == 0);
	if (strcmp(kind, "phone") == 0)
		assert(once[0] == '+' && strspn(once + 1, "0123456789") == strlen(once) - 1 &&
		       strlen(identifier_country(once, country)) > 0);
}

static void check_masks(const char *text)
{
	static const char *const namespaces[] = { "phone", "email", "username" };
	char out[IDENTIFIER_MAX];

	for (size_t i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]); i++) {
		mask_subject(namespaces[i], text, out);
		assert(strlen(out) < sizeof(out));
	}
	mask_id_card(text, out);
	mask_card(text, out);
	utf8_copy(out, sizeof(out), text);
	for (const char *at = out; *at;)
		assert(utf8_next(&at) != UTF8_BAD);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
	char *text = strndup((const char *)input, len);

	check_canonical("phone", text);
	check_canonical("email", text);
	check_canonical("username", text);
	check_masks(text);
	free(text);
	return 0;
}
