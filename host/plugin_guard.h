/* SPDX-License-Identifier: Apache-2.0 */
/* What belongs to the process and no plugin may change by being loaded or opened. Main thread only. */
#ifndef PLUGIN_GUARD_H
#define PLUGIN_GUARD_H

#include <signal.h>
#include <sys/stat.h>

#define PLUGIN_GUARD_FDS 3

struct plugin_guard {
	char locale[256];
	struct sigaction actions[NSIG];
	struct stat fds[PLUGIN_GUARD_FDS];
	mode_t umask;
};

void plugin_guard_take(struct plugin_guard *guard);
/* What differs between the two, in words; NULL when nothing does. */
const char *plugin_guard_differs(const struct plugin_guard *before,
				 const struct plugin_guard *after);

#endif
