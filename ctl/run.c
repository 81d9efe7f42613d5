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

/* The words of a command line, NULL behind the last. */
struct line {
	const char *words[MAX_ARGS];
	size_t n;
};

static void add(struct line *line, const char *word)
{
	line->words[line->n++] = word;
}

/* At most two words behind verb. Returns only when there is no pintled to run. */
static int run_pintled(const struct options *options, const char *verb, int n_words, char **words)
{
	struct line line = { .n = 0 };
	char path[PATH_MAX];

	add(&line, "pintled");
	add(&line, verb);
	for (int i = 0; i < n_words; i++)
		add(&line, words[i]);
	if (options->is_json)
		add(&line, "--json");
	add(&line, "-c");
	add(&line, options->conf_dir);
	for (size_t i = 0; i < options->n_overrides; i++) {
		add(&line, "-o");
		add(&line, options->overrides[i]);
	}
	if (find_beside(path))
		(void)execv(path, (char **)line.words);
	(void)execvp("pintled", (char **)line.words);
	return fail("no pintled beside this program nor in PATH");
}

int command_check(struct options *options, int n_args, char **args)
{
	return run_pintled(options, "--check", n_args, args);
}

int command_explain(struct options *options, int n_args, char **args)
{
	return run_pintled(options, "--explain", n_args, args);
}

int command_migrate(struct options *options, int n_args, char **args)
{
	return run_pintled(options, "--migrate", n_args, args);
}

int command_store_copy(struct options *options, int n_args, char **args)
{
	return run_pintled(options, "--copy", n_args, args);
}
