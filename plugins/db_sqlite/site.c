/* SPDX-License-Identifier: Apache-2.0 */
#include "site.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define QUIET_MS 1000
#define MAGIC "SQLite format 3"

static bool refuse(char *err, size_t err_len, const char *path, const char *why)
{
	(void)snprintf(err, err_len, "%s: %s", path, why);
	return false;
}

/* SQLite refuses links anywhere in the path, so the folder is resolved once here. */
static bool resolve(struct site *site, const char *dir, const char *path)
{
	char wanted[PATH_MAX], folder[PATH_MAX], real[PATH_MAX];
	bool is_absolute = path[0] == '/';
	int len;

	len = snprintf(wanted, sizeof(wanted), "%s%s%s", is_absolute ? "" : dir,
		       is_absolute ? "" : "/", path);
	if (len < 0 || (size_t)len >= sizeof(wanted))
		return false;
	memcpy(folder, wanted, sizeof(folder));
	if (!realpath(dirname(folder), real))
		return false;
	len = snprintf(site->path, sizeof(site->path), "%s/%s", real, basename(wanted));
	return len > 0 && (size_t)len < sizeof(site->path);
}

static bool looks_like_database(int fd)
{
	char head[sizeof(MAGIC)];
	ssize_t len = pread(fd, head, sizeof(head), 0);

	return len == 0 || (len == (ssize_t)sizeof(head) && memcmp(head, MAGIC, sizeof(head)) == 0);
}

bool site_init(struct site *site, const char *dir, const char *path, char *err, size_t err_len)
{
	struct stat st;
	bool ok = false;
	int fd;

	if (!resolve(site, dir, path))
		return refuse(err, err_len, path, errno ? strerror(errno) : "too long");
	fd = open(site->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return true;
	if (fd < 0)
		return refuse(err, err_len, site->path,
			      errno == ELOOP ? "is a symbolic link" : strerror(errno));
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid())
		(void)refuse(err, err_len, site->path, "is not a file of this user");
	else if (!looks_like_database(fd))
		(void)refuse(err, err_len, site->path, "is not an SQLite database");
	else
		ok = true;
	close(fd);
	return ok;
}

int32_t site_prepare(struct site *site)
{
	struct stat st;
	int32_t status = PINTLE_UNAVAILABLE;
	int fd = open(site->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

	if (fd < 0) {
		site_fault(site, "cannot open %s: %s", site->path, strerror(errno));
		return status;
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid()) {
		site_fault(site, "%s is not a file of this user", site->path);
	} else if ((st.st_mode & 077) != 0 && fchmod(fd, 0600) != 0) {
		site_fault(site, "cannot make %s private: %s", site->path, strerror(errno));
	} else {
		atomic_store(&site->inode, (uint64_t)st.st_ino);
		status = PINTLE_OK;
	}
	close(fd);
	return status;
}

bool site_is_same(struct site *site)
{
	uint64_t inode = atomic_load(&site->inode);
	struct stat st;

	if (lstat(site->path, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_ino == inode)
		return true;
	site_fault(site, "%s was removed or replaced while in use: restart", site->path);
	return false;
}

bool site_beside(const struct site *site, const char *suffix, char out[PATH_MAX])
{
	int len = snprintf(out, PATH_MAX, "%s%s", site->path, suffix);

	return len > 0 && len < PATH_MAX;
}

void site_fault(struct site *site, const char *fmt, ...)
{
	int64_t now = site->host->mono_ms();
	int64_t until = atomic_load(&site->quiet_until_ms);
	char text[PATH_MAX + 256];
	va_list args;

	if (now < until ||
	    !atomic_compare_exchange_strong(&site->quiet_until_ms, &until, now + QUIET_MS))
		return;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	site->host->log(site->inst, PINTLE_LOG_ERROR, text);
}

struct timespec site_timespec(int64_t deadline_ms)
{
	return (struct timespec){ .tv_sec = deadline_ms / 1000,
				  .tv_nsec = deadline_ms % 1000 * 1000000 };
}

int64_t site_deadline(const struct site *site, int64_t timeout_ms)
{
	const int64_t longest_ms = 24 * 3600 * (int64_t)1000;

	return site->host->mono_ms() + (timeout_ms < longest_ms ? timeout_ms : longest_ms);
}
