/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation for the host: it ends the process when there is no memory, and is replaced. [any] */
#ifndef XALLOC_H
#define XALLOC_H

#include <stddef.h>

_Noreturn void out_of_memory(void);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *ptr, size_t len);
char *xstrdup(const char *text);
char *xstrndup(const char *text, size_t len);

#endif
