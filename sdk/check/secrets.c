/* SPDX-License-Identifier: Apache-2.0 */
#include "secrets.h"

#include "report.h"

#include <string.h>

#define LEN_MIN 6 /* bytes; the shortest codes */

/* Values are the names here: each is looked for once. */
void secrets_add(struct pairs *secrets, const char *what, const char *value)
{
	if (value && strlen(value) >= LEN_MIN)
		pairs_put(secrets, value, what);
}

void secrets_look(const struct pairs *secrets, const char *text, const char *op,
		  const char *channel)
{
	for (size_t i = 0; i < secrets->n; i++) {
		if (strstr(text, secrets->items[i].name))
			report_fail("S01", "%s: %s says %s", op, channel, secrets->items[i].value);
	}
}
