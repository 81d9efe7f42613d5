/* SPDX-License-Identifier: Apache-2.0 */
#include "state_dir.h"

#include "listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static bool make_dir(const char *path, struct err *err)
{
	struct stat st;

	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return err_set(err, "server.state_dir %s: %s", path, strerror(errno));
	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return err_set(err, "server.state_dir %s: not a folder", path);
	if (st.st_uid != geteuid())
		return err_set(err, "server.state_dir %s: belongs to another user", path);
	if ((st.st_mode & 077) != 0 && chmod(path, 0700) != 0)
		return err_set(err, "server.state_dir %s: others can read it", path);
	return true;
}

static bool write_pid(int fd)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	return ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)len, 0) == len;
}

static bool take_lock(struct state_dir *dir, struct err *err)
{
	char path[PATH_MAX + 16];

	(void)snprintf(path, sizeof(path), "%s/pintled.lock", dir->path);
	dir->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (dir->lock_fd < 0)
		return err_set(err, "%s: %s", path, strerror(errno));
	if (flock(dir->lock_fd, LOCK_EX | LOCK_NB) != 0)
		return err_set(err, "server.state_dir %s: another pintled runs on it", dir->path);
	return write_pid(dir->lock_fd) || err_set(err, "%s: %s", path, strerror(errno));
}

static void control_path(const struct state_dir *dir, char *out, size_t out_len)
{
	(void)snprintf(out, out_len, "%s/control.sock", dir->path);
}

bool state_dir_open(struct state_dir *dir, const char *path, struct err *err)
{
	char control[PATH_MAX + 16];

	*dir = (struct state_dir){ .lock_fd = -1, .control_fd = -1 };
	if (snprintf(dir->path, sizeof(dir->path), "%s", path) >= (int)sizeof(dir->path))
		return err_set(err, "server.state_dir: the path is too long");
	if (!make_dir(dir->path, err) || !take_lock(dir, err)) {
		state_dir_leave(dir);
		return false;
	}
	control_path(dir, control, sizeof(control));
	dir->control_fd = listener_open_control(control, err);
	if (dir->control_fd < 0)
		state_dir_leave(dir);
	return dir->control_fd >= 0;
}

void state_dir_leave(struct state_dir *dir)
{
	if (dir->lock_fd >= 0)
		(void)close(dir->lock_fd);
	dir->lock_fd = -1;
}

void state_dir_close(struct state_dir *dir)
{
	char control[PATH_MAX + 16];

	control_path(dir, control, sizeof(control));
	(void)unlink(control); /* best effort: the next start replaces it */
	(void)close(dir->control_fd);
	(void)!ftruncate(dir->lock_fd, 0); /* best effort too: the lock counts, not the text */
	state_dir_leave(dir);
}
