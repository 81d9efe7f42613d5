/* SPDX-License-Identifier: Apache-2.0 */
/* Where the database is and how to speak of it: what every part of this plugin needs. [any] */
#ifndef SITE_H
#define SITE_H

#include <limits.h>
#include <pintle/plugin.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

struct site {
	const struct pintle_host *host;
	struct pintle_inst *inst;
	char path[PATH_MAX];
	/* The file that was opened; another one under the same name is not ours. 0: none yet. */
	_Atomic uint64_t inode;
	_Atomic int64_t quiet_until_ms;
};

/* Makes path absolute, below dir when relative, and looks at what is there. A reason in err. */
bool site_init(struct site *site, const char *dir, const char *path, char *err, size_t err_len);
/* Makes the file if there is none, owner only; refuses links and foreign files. */
int32_t site_prepare(struct site *site);
/* Is the file that was opened still the one under this name? */
bool site_is_same(struct site *site);
/* Writes path and suffix into out; false when that is too long. */
bool site_beside(const struct site *site, const char *suffix, char out[PATH_MAX]);
/* A fault for the operator, at most one line a second. */
void site_fault(struct site *site, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A monotonic deadline as the waits of pthread take it. */
struct timespec site_timespec(int64_t deadline_ms);
int64_t site_deadline(const struct site *site, int64_t timeout_ms);

#endif
