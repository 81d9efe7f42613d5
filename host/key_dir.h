/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files with secrets under a state directory, in keys/: readable by their owner alone, whole or not
 * there at all. Start-up and commands only.
 */
#ifndef KEY_DIR_H
#define KEY_DIR_H

#include "err.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define KEY_FILE_MAX 2048

struct key_dir {
	int fd;
	char path[PATH_MAX];
};

/* Opens dir/keys, made when missing, and keeps every other process out until it is closed. */
bool key_dir_open(struct key_dir *keys, const char *dir, struct err *err);
void key_dir_close(struct key_dir *keys);
bool key_dir_has(const struct key_dir *keys, const char *name);
/* The whole file and a NUL; the caller wipes and frees. NULL also when others may read it or it has
 * more than KEY_FILE_MAX bytes. */
char *key_dir_read(const struct key_dir *keys, const char *name, size_t *len_out, struct err *err);
/* Makes a file that must not exist, on disk when this returns. */
bool key_dir_write(const struct key_dir *keys, const char *name, const void *bytes, size_t len,
		   struct err *err);

#endif
