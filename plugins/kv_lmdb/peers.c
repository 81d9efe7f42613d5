/* SPDX-License-Identifier: Apache-2.0 */
#include "peers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder's time moves in ticks of the kernel, so what came in the tick of the listing may not show. */
#define SETTLED_S 1

static void shut(struct peers *peers)
{
	if (peers->dir_fd >= 0)
		(void)close(peers->dir_fd);
	peers->dir_fd = -1;
	peers->is_settled = false;
}

static int open_folder(struct peers *peers, const char *path)
{
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return errno;
	peers->dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return peers->dir_fd >= 0 ? 0 : errno;
}

static int add_name(struct peers *peers, const char *name)
{
	const char *end = strrchr(name, '.');

	if (!end || strcmp(end, ".sock") != 0 || strlen(name) >= PEER_NAME_MAX)
		return 0;
	if (peers->n_names == peers->n_room) {
		size_t n_room = peers->n_room ? 2 * peers->n_room : 16;
		void *names = realloc(peers->names, n_room * sizeof(*peers->names));

		if (!names)
			return ENOMEM;
		peers->names = names;
		peers->n_room = n_room;
	}
	(void)strcpy(peers->names[peers->n_names++], name);
	return 0;
}

static int list(struct peers *peers)
{
	int fd = openat(peers->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	if (!dir) {
		rc = errno;
		if (fd >= 0)
			(void)close(fd);
		return rc;
	}
	peers->n_names = 0;
	while (rc == 0 && (entry = readdir(dir)))
		rc = add_name(peers, entry->d_name);
	(void)closedir(dir);
	return rc;
}

int peers_refresh(struct peers *peers, const char *path)
{
	struct timespec now;
	struct stat st;
	int rc = 0;

	if (peers->dir_fd >= 0 && (fstat(peers->dir_fd, &st) != 0 || st.st_nlink == 0))
		shut(peers); /* somebody has taken the folder away */
	if (peers->dir_fd < 0)
		rc = open_folder(peers, path);
	if (rc == 0 && fstat(peers->dir_fd, &st) != 0)
		rc = errno;
	if (rc != 0)
		return rc;
	if (peers->is_settled && memcmp(&st.st_mtim, &peers->changed, sizeof(st.st_mtim)) == 0)
		return 0;
	(void)clock_gettime(CLOCK_REALTIME, &now); /* the file system's clock, not the host's */
	rc = list(peers);
	peers->changed = st.st_mtim;
	peers->is_settled = rc == 0 && now.tv_sec - st.st_mtim.tv_sec > SETTLED_S;
	return rc;
}

void peers_fini(struct peers *peers)
{
	shut(peers);
	free(peers->names);
	*peers = (struct peers){ .dir_fd = -1 };
}
