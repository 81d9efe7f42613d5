/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that need the configuration and not a running process: pintled itself carries them out. */
#include "commands.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_ARGS (2 * MAX_OVERRIDES + 8)

/* The pintled beside this program; false: the one in PATH has to do. */
static bool find_beside(char path[PATH_MAX])
{
	ssize_t len = readlink("/proc/self/exe", path, PATH_MAX - 1);
	char *slash;

	if (len <= 0)
		return false;
	path[len] = '\0';
	slash = strrchr(path, '/');
	if (!slash || (size_t)(slash - path) + sizeof("/pintled") > PATH_MAX)
		return false;
	memcpy(slash, "/pintled", sizeof("/pintled"));
	return access(path, X_OK) == 0;
}

/* Returns only when there is no pintled to run. */
static int run_pintled(const struct options *options, const char *verb, const char *what)
{
	const char *args[MAX_ARGS] = { "pintled", verb };
	char path[PATH_MAX];
	size_t n = 2;

	if (what)
		args[n++] = what;
	args[n++] = "-c";
	args[n++] = options->conf_dir;
	for (size_t i = 0; i < options->n_overrides; i++) {
		args[n++] = "-o";
		args[n++] = options->overrides[i];
	}
	if (find_beside(path))
		(void)execv(path, (char **)args);
	(void)execvp("pintled", (char **)args);
	return fail("no pintled beside this program nor in PATH");
}

int command_check(struct options *options, int n_args, char **args)
{
	(void)n_args;
	(void)args;
	return run_pintled(options, "--check", NULL);
}

int command_explain(struct options *options, int n_args, char **args)
{
	(void)n_args;
	return run_pintled(options, "--explain", args[0]);
}

int command_migrate(struct options *options, int n_args, char **args)
{
	(void)n_args;
	(void)args;
	return run_pintled(options, "--migrate", NULL);
}
