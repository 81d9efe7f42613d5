/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files with secrets under a state directory, in keys/: readable by their owner alone, whole or not
 * there at all. Start-up and commands only.
 */
#ifndef KEY_DIR_H
#define KEY_DIR_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>

/* Opens dir/keys, made when missing, and keeps every other process out until it is closed. -1: err. */
int key_dir_open(const char *dir, struct err *err);
bool key_dir_has(int dir_fd, const char *name);
/* The whole file and a NUL; refused when it has max bytes or more, or others may read it. */
bool key_dir_read(int dir_fd, const char *name, char *out, size_t max, size_t *len_out,
		  struct err *err);
/* Makes a file that must not exist, on disk when this returns. */
bool key_dir_write(int dir_fd, const char *name, const void *bytes, size_t len, struct err *err);

#endif
