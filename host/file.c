/* SPDX-License-Identifier: Apache-2.0 */
#include "file.h"

#include "xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static ssize_t read_all(int fd, char *out, size_t max)
{
	size_t len = 0;

	while (len < max) {
		ssize_t n = read(fd, out + len, max - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

char *file_read(const char *path, size_t max, size_t *len_out, mode_t *mode_out, struct err *err)
{
	char *bytes = NULL, *result = NULL;
	struct stat st;
	ssize_t len;
	/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &st) != 0) {
		(void)err_set(err, "%s: %s", path, strerror(errno));
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		(void)err_set(err, "%s: not a regular file", path);
		goto out;
	}
	bytes = xcalloc(1, max + 2);
	len = read_all(fd, bytes, max + 1);
	if (len < 0) {
		(void)err_set(err, "%s: %s", path, strerror(errno));
		goto out;
	}
	if ((size_t)len > max) {
		(void)err_set(err, "%s: larger than %zu bytes", path, max);
		goto out;
	}
	bytes[len] = '\0';
	*len_out = (size_t)len;
	*mode_out = st.st_mode;
	result = bytes;
	bytes = NULL;
out:
	if (bytes)
		explicit_bzero(bytes, max + 2);
	free(bytes);
	if (fd >= 0)
		(void)close(fd);
	return result;
}
