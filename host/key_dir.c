/* SPDX-License-Identifier: Apache-2.0 */
#include "key_dir.h"

#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Never read and never listed as a key; left behind only by a process killed while writing. */
#define DRAFT ".draft"

static bool is_private(mode_t mode)
{
	return (mode & 077) == 0;
}

bool key_dir_open(struct key_dir *keys, const char *dir, struct err *err)
{
	struct stat st;

	keys->fd = -1;
	if (snprintf(keys->path, sizeof(keys->path), "%s/keys", dir) >= PATH_MAX)
		return err_set(err, "%s: the path is too long", dir);
	if (mkdir(keys->path, 0700) != 0 && errno != EEXIST)
		return err_set(err, "%s: %s", keys->path, strerror(errno));
	keys->fd = open(keys->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (keys->fd < 0 || fstat(keys->fd, &st) != 0 || flock(keys->fd, LOCK_EX) != 0) {
		err_set(err, "%s: %s", keys->path, strerror(errno));
		goto refuse;
	}
	if (!is_private(st.st_mode)) {
		err_set(err, "%s: others may enter it; it must have mode 0700", keys->path);
		goto refuse;
	}
	return true;
refuse:
	key_dir_close(keys);
	return false;
}

void key_dir_close(struct key_dir *keys)
{
	if (keys->fd >= 0)
		(void)close(keys->fd);
	keys->fd = -1;
}

bool key_dir_has(const struct key_dir *keys, const char *name)
{
	struct stat st;

	return fstatat(keys->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

char *key_dir_read(const struct key_dir *keys, const char *name, size_t *len_out, struct err *err)
{
	char path[PATH_MAX];
	mode_t mode;
	char *bytes;

	if (snprintf(path, sizeof(path), "%s/%s", keys->path, name) >= PATH_MAX) {
		err_set(err, "%s: the path is too long", keys->path);
		return NULL;
	}
	bytes = file_read(path, KEY_FILE_MAX, len_out, &mode, err);
	if (!bytes || is_private(mode))
		return bytes;
	err_set(err, "%s: others may read it; it must have mode 0600", path);
	explicit_bzero(bytes, *len_out);
	free(bytes);
	return NULL;
}

/* A command run by root must leave a file that the server's user can read. */
static bool give_to_owner(const struct key_dir *keys, int fd)
{
	struct stat st;

	if (geteuid() != 0)
		return true;
	return fstat(keys->fd, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) == 0;
}

bool key_dir_write(const struct key_dir *keys, const char *name, const void *bytes, size_t len,
		   struct err *err)
{
	bool ok = false;
	int fd;

	(void)unlinkat(keys->fd, DRAFT, 0); /* the lock is ours: nobody is writing it */
	fd = openat(keys->fd, DRAFT, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(err, "%s/%s: %s", keys->path, name, strerror(errno));
	if (write(fd, bytes, len) != (ssize_t)len || !give_to_owner(keys, fd) || fsync(fd) != 0 ||
	    linkat(keys->fd, DRAFT, keys->fd, name, 0) != 0 || fsync(keys->fd) != 0) {
		err_set(err, "%s/%s: %s", keys->path, name, strerror(errno));
		goto out;
	}
	ok = true;
out:
	(void)unlinkat(keys->fd, DRAFT, 0);
	(void)close(fd);
	return ok;
}
