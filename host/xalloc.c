/* SPDX-License-Identifier: Apache-2.0 */
#include "xalloc.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void out_of_memory(void)
{
	static const char text[] = "pintled: out of memory\n";

	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	abort();
}

void *xcalloc(size_t n, size_t size)
{
	void *ptr = calloc(n, size);

	if (!ptr)
		out_of_memory();
	return ptr;
}

void *xrealloc(void *ptr, size_t len)
{
	void *moved = realloc(ptr, len);

	if (!moved)
		out_of_memory();
	return moved;
}

char *xstrdup(const char *text)
{
	return xstrndup(text, strlen(text));
}

char *xstrndup(const char *text, size_t len)
{
	char *copy = xcalloc(1, len + 1);

	memcpy(copy, text, len);
	return copy;
}
