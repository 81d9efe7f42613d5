/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin_guard.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

void plugin_guard_take(struct plugin_guard *guard)
{
	memset(guard, 0, sizeof(*guard));
	(void)snprintf(guard->locale, sizeof(guard->locale), "%s", setlocale(LC_ALL, NULL));
	for (int i = 1; i < NSIG; i++)
		(void)sigaction(i, NULL, &guard->actions[i]); /* fails for libc's own two */
	for (int fd = 0; fd < PLUGIN_GUARD_FDS; fd++) {
		if (fstat(fd, &guard->fds[fd]) != 0)
			guard->fds[fd].st_ino = 0; /* closed */
	}
	guard->umask = umask(077);
	(void)umask(guard->umask);
}

static int is_same_action(const struct sigaction *a, const struct sigaction *b)
{
	/* The handlers share one word: sa_sigaction covers SIG_DFL and sa_handler as well. Of the mask
	 * libc fills only what the kernel knows. */
	return a->sa_sigaction == b->sa_sigaction && a->sa_flags == b->sa_flags &&
	       memcmp(&a->sa_mask, &b->sa_mask, NSIG / 8) == 0;
}

const char *plugin_guard_differs(const struct plugin_guard *before,
				 const struct plugin_guard *after)
{
	if (strcmp(before->locale, after->locale) != 0)
		return "the locale";
	for (int i = 1; i < NSIG; i++) {
		if (!is_same_action(&before->actions[i], &after->actions[i]))
			return "a signal handler";
	}
	for (int fd = 0; fd < PLUGIN_GUARD_FDS; fd++) {
		if (before->fds[fd].st_ino != after->fds[fd].st_ino ||
		    before->fds[fd].st_dev != after->fds[fd].st_dev)
			return "one of the descriptors 0 to 2";
	}
	return before->umask == after->umask ? NULL : "the umask";
}
