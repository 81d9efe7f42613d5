/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of pintled. Exit status: 0 done, 1 refused with a reason, 2 wrong usage. */
#include "checker.h"
#include "instance.h"
#include "json.h"
#include "settings.h"
#include "store_copy.h"
#include "supervisor.h"
#include "xalloc.h"

#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef PINTLE_VERSION
#define PINTLE_VERSION "unknown"
#endif
#define EXIT_USAGE 2
#define MALLOC_ARENAS 2 /* of 8 a processor each keeps what its threads once had: 7 MB a worker */

enum action {
	ACTION_RUN,
	ACTION_CHECK,
	ACTION_MIGRATE,
	ACTION_EXPLAIN,
	ACTION_COPY,
	ACTION_HELP,
	ACTION_VERSION
};

struct command {
	enum action action;
	const char *explain;
	const char *plugin_dir; /* of -o server.plugin_dir=, for explain */
	struct store_copy_order copy;
	struct supervisor_start start;
	struct conf_override *overrides;
};

static void print_usage(FILE *out)
{
	(void)fputs(
		"usage: pintled -c DIR [-o SECTION.KEY=VALUE]...\n"
		"  -c DIR                read DIR/*.ini\n"
		"  -o SECTION.KEY=VALUE  override one key; may be repeated\n"
		"      --check           check the configuration, write nothing, and end\n"
		"      --migrate         check, bring the database's schema up to date, and end\n"
		"      --copy FROM TO    copy one SQL store, a section, to another, and end\n"
		"      --json            the result of --copy as JSON\n"
		"      --explain NAME    print the options of a plugin or of a host section\n"
		"      --version         print the version\n"
		"      --help            print this\n"
		"SIGHUP reloads the configuration, SIGTERM stops.\n",
		out);
}

/* Whoever starts us without them must not find our sockets in their place. */
static void fill_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		(void)close(fd);
}

static bool add_override(struct command *command, const char *text)
{
	static const char plugin_dir[] = "server.plugin_dir=";
	size_t n = command->start.n_overrides;

	if (!strchr(text, '=') || !strchr(text, '.')) {
		(void)fprintf(stderr, "pintled: -o %s: not SECTION.KEY=VALUE\n", text);
		return false;
	}
	if (strncmp(text, plugin_dir, strlen(plugin_dir)) == 0)
		command->plugin_dir = text + strlen(plugin_dir);
	command->overrides = xrealloc(command->overrides, (n + 1) * sizeof(*command->overrides));
	command->overrides[n].text = text;
	command->start.overrides = command->overrides;
	command->start.n_overrides = n + 1;
	return true;
}

static bool read_options(struct command *command, int argc, char **argv)
{
	static const struct option options[] = {
		{ "check", no_argument, NULL, ACTION_CHECK },
		{ "migrate", no_argument, NULL, ACTION_MIGRATE },
		{ "copy", no_argument, NULL, ACTION_COPY },
		{ "json", no_argument, NULL, 'j' },
		{ "explain", required_argument, NULL, ACTION_EXPLAIN },
		{ "help", no_argument, NULL, ACTION_HELP },
		{ "version", no_argument, NULL, ACTION_VERSION },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:o:h", options, NULL)) != -1) {
		if (option == '?')
			return false;
		if (option == 'c')
			command->start.conf_dir = optarg;
		else if (option == 'o' && !add_override(command, optarg))
			return false;
		else if (option == 'h')
			command->action = ACTION_HELP;
		else if (option == 'j')
			command->copy.is_json = true;
		else if (option < ' ')
			command->action = (enum action)option;
		if (option == ACTION_EXPLAIN)
			command->explain = optarg;
	}
	return true;
}

/* What stands beside the options: the two stores of a copy, else nothing. */
static bool take_arguments(struct command *command, int n_args, char **args)
{
	int n_wanted = command->action == ACTION_COPY ? 2 : 0;

	if (n_args > n_wanted)
		(void)fprintf(stderr, "pintled: unexpected argument %s\n", args[n_wanted]);
	else if (n_args < n_wanted)
		(void)fprintf(stderr, "pintled: --copy needs two sections, FROM and TO\n");
	else if (n_wanted > 0)
		command->copy.from = args[0], command->copy.to = args[1];
	return n_args == n_wanted;
}

static bool has_conf(const struct command *command)
{
	bool needs_conf = command->action == ACTION_RUN || command->action == ACTION_CHECK ||
			  command->action == ACTION_MIGRATE || command->action == ACTION_COPY;

	if (needs_conf && !command->start.conf_dir)
		(void)fprintf(stderr, "pintled: -c DIR is missing\n");
	return !needs_conf || command->start.conf_dir;
}

static bool explain_plugin(const char *name, const char *configured_dir, struct err *err)
{
	struct plugin plugin = { 0 };
	struct opt_table own;
	char dir[PATH_MAX];
	int fd;

	checker_plugin_dir(configured_dir ? configured_dir : "", dir, sizeof(dir));
	fd = plugin_open_file(dir, name, err);
	if (fd < 0 || !plugin_load(&plugin, name, fd, err))
		return false;
	own = (struct opt_table){ plugin.opts, plugin.desc.n_opts, plugin.desc.conf_size };
	printf("%s %s: %s\n\n", plugin.desc.name, plugin.desc.version, plugin.desc.summary);
	opt_explain(&own, stdout);
	printf("\nIn every section of a plugin:\n\n");
	opt_explain(&instance_table, stdout);
	plugin_fini(&plugin);
	return true;
}

static bool explain(const struct command *command, struct err *err)
{
	const struct opt_table *table = settings_table(command->explain);

	if (!table)
		return explain_plugin(command->explain, command->plugin_dir, err);
	opt_explain(table, stdout);
	return true;
}

static bool copy(const struct command *command, struct err *err)
{
	const struct trial trial = { .task = store_copy_run, .arg = &command->copy };

	return supervisor_try(&command->start, &trial, err);
}

static bool act(const struct command *command, struct err *err)
{
	switch (command->action) {
	case ACTION_RUN:
		return supervisor_run(&command->start, err);
	case ACTION_CHECK:
		return supervisor_try(&command->start, &trial_look, err);
	case ACTION_MIGRATE:
		return supervisor_try(&command->start, &trial_stores, err);
	case ACTION_COPY:
		return copy(command, err);
	case ACTION_EXPLAIN:
		return explain(command, err);
	case ACTION_HELP:
		print_usage(stdout);
		return true;
	case ACTION_VERSION:
		printf("pintled %s (ABI %u)\n", PINTLE_VERSION, PINTLE_ABI);
		return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	struct command command = { .action = ACTION_RUN };
	struct err err = { .text = "" };
	bool ok;

	fill_standard_fds();
	(void)mallopt(M_ARENA_MAX, MALLOC_ARENAS);
	json_start();
	/* An exit() inside a plugin must not take the ground from under the other threads. */
	(void)OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
	if (!read_options(&command, argc, argv) ||
	    !take_arguments(&command, argc - optind, argv + optind) || !has_conf(&command)) {
		print_usage(stderr);
		free(command.overrides);
		return EXIT_USAGE;
	}
	ok = act(&command, &err);
	if (!ok)
		(void)fprintf(stderr, "pintled: %s\n", err.text);
	free(command.overrides);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
