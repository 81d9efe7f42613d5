/* SPDX-License-Identifier: Apache-2.0 */
/* The server's own pages: the files of web/, embedded at build (scripts/embed_web.sh). */
#ifndef WEB_H
#define WEB_H

#include <stddef.h>

struct web_file {
	const char *name; /* "login.html" */
	const char *type; /* Content-Type */
	const char *etag; /* of its bytes, quoted */
	const char *bytes;
	size_t len;
};

extern const struct web_file web_files[];
extern const size_t web_n_files;

#endif
