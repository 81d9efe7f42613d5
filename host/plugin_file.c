/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files may become code. Folder and file are opened once and judged by their descriptors, so that
 * nothing can be put in their place between the check and the load. What is loaded is a copy in memory:
 * a file written over in place would end every process that has it mapped.
 */
#include "plugin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEAL_TRIES 100
#define SEAL_WAIT_US 20000
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz0123456789_"

static bool is_name(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= PLUGIN_NAME_MAX && strspn(name, NAME_CHARS) == len;
}

static const char *why_unsafe(const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "it belongs to neither root nor this user";
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return "others can write it";
	return NULL;
}

static int open_dir(const char *dir, struct err *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	const char *why;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0) {
		(void)err_set(err, "plugin folder %s: %s", dir, strerror(errno));
		goto fail;
	}
	why = why_unsafe(&st);
	if (!why)
		return fd;
	(void)err_set(err, "plugin folder %s: %s", dir, why);
fail:
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

static bool copy_all(int to, int from, off_t len)
{
	while (len > 0) {
		ssize_t n = sendfile(to, from, NULL, (size_t)len);

		if (n <= 0)
			return false;
		len -= n;
	}
	return true;
}

/* The kernel may hold a page of the copy for a moment, to move it, and says EBUSY meanwhile. */
static bool seal(int fd)
{
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	int rc = fcntl(fd, F_ADD_SEALS, seals);

	for (int i = 0; rc != 0 && errno == EBUSY && i < SEAL_TRIES; i++) {
		(void)usleep(SEAL_WAIT_US);
		rc = fcntl(fd, F_ADD_SEALS, seals);
	}
	return rc == 0;
}

/* A descriptor of the copy, which nobody can change; -1 with errno set. */
static int copy_to_memory(const char *name, int from, off_t len)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && copy_all(fd, from, len) && seal(fd))
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* NULL, or why the file cannot be taken; *fd_out is -1 or to be closed in either case. */
static const char *open_safe(int dir_fd, const char *file, struct stat *st, int *fd_out)
{
	*fd_out = openat(dir_fd, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (*fd_out < 0 || fstat(*fd_out, st) != 0)
		return errno == ELOOP ? "a link" : strerror(errno);
	return S_ISREG(st->st_mode) ? why_unsafe(st) : "not a regular file";
}

int plugin_open_file(const char *dir, const char *name, struct err *err)
{
	char file[PLUGIN_NAME_MAX + sizeof(".so")];
	int dir_fd, fd, copy = -1;
	const char *why;
	struct stat st = { 0 };

	if (!is_name(name)) {
		(void)err_set(err, "a plugin's name must be 1 to %d of a-z, 0-9, _",
			      PLUGIN_NAME_MAX);
		return -1;
	}
	dir_fd = open_dir(dir, err);
	if (dir_fd < 0)
		return -1;
	(void)snprintf(file, sizeof(file), "%s.so", name);
	why = open_safe(dir_fd, file, &st, &fd);
	if (!why)
		copy = copy_to_memory(file, fd, st.st_size);
	if (copy < 0)
		(void)err_set(err, "plugin %s/%s: %s", dir, file, why ? why : strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	(void)close(dir_fd);
	return copy;
}
