/* SPDX-License-Identifier: Apache-2.0 */
#include "named_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define RETRY_US                                                                                   \
	10000 /* a file lock cannot be waited for with a time-out; it is for rare, long work */
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz0123456789_-"

struct named_lock {
	int fd;
};

static int open_file(struct site *site, const char *name)
{
	char suffix[80], path[PATH_MAX];
	int fd;

	(void)snprintf(suffix, sizeof(suffix), "-lock-%s", name);
	if (!site_beside(site, suffix, path))
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		site_fault(site, "cannot open %s: %s", path, strerror(errno));
	return fd;
}

static int32_t wait_for(struct site *site, int fd, int64_t deadline_ms)
{
	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return PINTLE_UNAVAILABLE;
		if (site->host->mono_ms() >= deadline_ms)
			return PINTLE_TIMEOUT;
		(void)usleep(RETRY_US);
	}
	return PINTLE_OK;
}

int32_t named_lock_take(struct site *site, const char *name, int64_t timeout_ms, void **lock_out)
{
	struct named_lock *lock;
	int32_t status;

	if (name[0] == '\0' || strlen(name) > 64 || name[strspn(name, NAME_CHARS)] != '\0')
		return PINTLE_INTERNAL;
	lock = calloc(1, sizeof(*lock));
	if (!lock)
		return PINTLE_INTERNAL;
	lock->fd = open_file(site, name);
	if (lock->fd < 0) {
		free(lock);
		return PINTLE_UNAVAILABLE;
	}
	status = wait_for(site, lock->fd, site_deadline(site, timeout_ms));
	if (status != PINTLE_OK) {
		named_lock_give(lock);
		return status;
	}
	*lock_out = lock;
	return PINTLE_OK;
}

void named_lock_give(void *lock)
{
	struct named_lock *held = lock;

	if (!held)
		return;
	close(held->fd); /* lets the lock go */
	free(held);
}
