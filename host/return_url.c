/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing is parsed or compared in part: browsers and libraries do not agree on what a URL means. */
#include "return_url.h"

#include <string.h>

#define NAMED_MAX 2048 /* bytes of what a client may ask for */
/* With what the page gets back behind it: its own state may be three times as long when it is encoded. It must
 * fit, with the other headers, into the 4 KiB that a proxy has for them. */
#define LOCATION_MAX 3072
#define LOGIN_PATH "/login"

static bool is_printable(const char *text, size_t max)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] >= 0x7f)
			return false;
	return len > 0 && len <= max;
}

static bool starts_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

bool return_url_is_plain(const char *text)
{
	if (!is_printable(text, LOCATION_MAX))
		return false;
	if (*text == '/')
		return text[1] != '/' && !strchr(text, '\\');
	return starts_with(text, "https://") || starts_with(text, "http://");
}

/* "//" is refused anywhere before the query, since "/..//host" becomes one at its start. */
bool return_url_is_path(const char *text)
{
	const char *query = strchr(text, '?'), *twice = strstr(text, "//");

	return *text == '/' && is_printable(text, NAMED_MAX) && !strpbrk(text, "\\#") &&
	       (!twice || (query && query < twice));
}

const char *return_url_find(struct arena *arena, const char *const *allowed, const char *base,
			    const char *text)
{
	if (!text)
		text = LOGIN_PATH;
	for (size_t i = 0; allowed[i]; i++)
		if (strcmp(allowed[i], text) == 0)
			return arena_strdup(arena, text);
	return return_url_is_path(text) ? arena_printf(arena, "%s%s", base, text) : NULL;
}
