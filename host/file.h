/* SPDX-License-Identifier: Apache-2.0 */
/* Small files read whole. */
#ifndef FILE_H
#define FILE_H

#include "err.h"

#include <stddef.h>
#include <sys/types.h>

/* The bytes of a regular file of at most max bytes, with a NUL after them; the caller wipes and frees.
 * NULL with a reason that names path. */
char *file_read(const char *path, size_t max, size_t *len_out, mode_t *mode_out, struct err *err);

#endif
