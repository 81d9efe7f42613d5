/* SPDX-License-Identifier: Apache-2.0 */
#include "key_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Never read and never listed as a key; left behind only by a process killed while writing. */
#define DRAFT ".draft"

static bool is_private(const struct stat *st)
{
	return (st->st_mode & 077) == 0;
}

int key_dir_open(const char *dir, struct err *err)
{
	char path[PATH_MAX];
	struct stat st;
	int fd;

	if (snprintf(path, sizeof(path), "%s/keys", dir) >= (int)sizeof(path)) {
		err_set(err, "%s: the path is too long", dir);
		return -1;
	}
	if (mkdir(path, 0700) != 0 && errno != EEXIST) {
		err_set(err, "%s: %s", path, strerror(errno));
		return -1;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0 || flock(fd, LOCK_EX) != 0) {
		err_set(err, "%s: %s", path, strerror(errno));
		goto refuse;
	}
	if (!is_private(&st)) {
		err_set(err, "%s: others may enter it; it must have mode 0700", path);
		goto refuse;
	}
	return fd;
refuse:
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

bool key_dir_has(int dir_fd, const char *name)
{
	struct stat st;

	return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Reads until the end or until max bytes are there; -1 with errno. */
static ssize_t read_all(int fd, char *out, size_t max)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = read(fd, out + len, max - len);
		if (n > 0)
			len += (size_t)n;
	} while (len < max && (n > 0 || (n < 0 && errno == EINTR)));
	return n < 0 ? -1 : (ssize_t)len;
}

bool key_dir_read(int dir_fd, const char *name, char *out, size_t max, size_t *len_out,
		  struct err *err)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	bool ok = false;
	ssize_t len;

	if (fd < 0)
		return err_set(err, "keys/%s: %s", name, strerror(errno));
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		err_set(err, "keys/%s: not a regular file", name);
		goto out;
	}
	if (!is_private(&st)) {
		err_set(err, "keys/%s: others may read it; it must have mode 0600", name);
		goto out;
	}
	len = read_all(fd, out, max);
	if (len < 0 || (size_t)len >= max) {
		err_set(err, "keys/%s: %s", name, len < 0 ? strerror(errno) : "too long for a key");
		goto out;
	}
	out[len] = '\0';
	*len_out = (size_t)len;
	ok = true;
out:
	(void)close(fd);
	return ok;
}

/* A command run by root must leave a file that the server's user can read. */
static bool give_to_owner(int dir_fd, int fd)
{
	struct stat st;

	if (geteuid() != 0)
		return true;
	return fstat(dir_fd, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) == 0;
}

bool key_dir_write(int dir_fd, const char *name, const void *bytes, size_t len, struct err *err)
{
	bool ok = false;
	int fd;

	(void)unlinkat(dir_fd, DRAFT, 0); /* the lock is ours: nobody is writing it */
	fd = openat(dir_fd, DRAFT, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(err, "keys/%s: %s", name, strerror(errno));
	if (write(fd, bytes, len) != (ssize_t)len || !give_to_owner(dir_fd, fd) || fsync(fd) != 0 ||
	    linkat(dir_fd, DRAFT, dir_fd, name, 0) != 0 || fsync(dir_fd) != 0) {
		err_set(err, "keys/%s: %s", name, strerror(errno));
		goto out;
	}
	ok = true;
out:
	(void)unlinkat(dir_fd, DRAFT, 0);
	(void)close(fd);
	return ok;
}
