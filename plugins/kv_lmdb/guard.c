/* SPDX-License-Identifier: Apache-2.0 */
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define BOOT_FILE "/proc/sys/kernel/random/boot_id"

bool guard_boot(char out[GUARD_BOOT_MAX])
{
	int fd = open(BOOT_FILE, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return false;
	len = read(fd, out, GUARD_BOOT_MAX - 1);
	close(fd);
	if (len <= 0)
		return false;
	out[len] = '\0';
	out[strcspn(out, "\n")] = '\0';
	return out[0] != '\0';
}

static void path_in(const struct env *env, const char *name, char out[PATH_MAX])
{
	(void)snprintf(out, PATH_MAX, "%.*s/%s", PATH_MAX - 32, env->dir, name);
}

static bool is_own_folder(const char *dir)
{
	struct stat st;

	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return false;
	if (lstat(dir, &st) != 0)
		return false;
	errno = ENOTDIR;
	return S_ISDIR(st.st_mode) && st.st_uid == geteuid() && chmod(dir, 0700) == 0;
}

bool guard_enter(struct env *env, bool *is_alone_out, bool *has_to_renew_out)
{
	char path[PATH_MAX], mark = 0;

	path_in(env, "guard", path);
	if (is_own_folder(env->dir))
		env->guard_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (env->guard_fd < 0) {
		env_fault(env, "%s: %s", env->dir, strerror(errno));
		return false;
	}
	*is_alone_out = flock(env->guard_fd, LOCK_EX | LOCK_NB) == 0;
	if (!*is_alone_out && flock(env->guard_fd, LOCK_SH) != 0) {
		env_fault(env, "%s: %s", path, strerror(errno));
		guard_leave(env);
		return false;
	}
	*has_to_renew_out = pread(env->guard_fd, &mark, 1, 0) == 1;
	return true;
}

bool guard_share(struct env *env)
{
	return flock(env->guard_fd, LOCK_SH) == 0;
}

void guard_leave(struct env *env)
{
	if (env->guard_fd >= 0)
		close(env->guard_fd);
	env->guard_fd = -1;
}

void guard_wipe(struct env *env)
{
	static const char *const names[] = { "data.mdb", "lock.mdb" };
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		path_in(env, names[i], path);
		if (unlink(path) != 0 && errno != ENOENT)
			env_fault(env, "%s: %s", path, strerror(errno));
	}
}

void guard_unmark(struct env *env)
{
	if (ftruncate(env->guard_fd, 0) != 0)
		env_fault(env, "%s: %s", env->dir, strerror(errno));
}

void guard_mark(struct env *env)
{
	if (pwrite(env->guard_fd, "x", 1, 0) != 1)
		env_fault(env, "%s: %s", env->dir, strerror(errno));
}
