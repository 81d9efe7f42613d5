/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's command: finds the command in one table and runs it. */
#include "commands.h"

#include <curl/curl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct command {
	const char *noun, *verb; /* verb NULL: one word */
	int min_args, max_args;
	command_fn *run;
	const char *usage;
};

static const struct command commands[] = {
	{ "check", NULL, 0, 0, command_check, "check [-c DIR] [-o KEY=VALUE]" },
	{ "explain", NULL, 1, 1, command_explain, "explain PLUGIN" },
	{ "migrate", NULL, 0, 0, command_migrate, "migrate [-c DIR] [-o KEY=VALUE]" },
	{ "status", NULL, 0, 0, command_status, "status" },
	{ "reload", NULL, 0, 0, command_reload, "reload" },
	{ "stop", NULL, 0, 0, command_stop, "stop" },
	{ "provider", "list", 0, 0, command_provider_list, "provider list" },
	{ "provider", "resume", 1, 1, command_provider_resume, "provider resume NAME" },
	{ "user", "create", 1, 3, command_user_create, "user create IDENTIFIER…" },
	{ "user", "show", 1, 1, command_user_show, "user show WHO" },
	{ "user", "freeze", 1, 1, command_user_freeze, "user freeze WHO" },
	{ "user", "unfreeze", 1, 1, command_user_unfreeze, "user unfreeze WHO" },
	{ "session", "revoke", 1, 1, command_session_revoke, "session revoke ID" },
	{ "key", "rotate", 0, 0, command_key_rotate, "key rotate" },
	{ "outbox", NULL, 0, 0, command_outbox, "outbox" },
	{ "routes", NULL, 0, 0, command_routes, "routes" },
};

static int usage(FILE *out, int exit_status)
{
	(void)fputs("usage: pintlectl [-s DIR] [--json] COMMAND\n\n", out);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		(void)fprintf(out, "  %s\n", commands[i].usage);
	(void)fputs("\n"
		    "  -s DIR        state directory of the pintled to talk to (PINTLE_STATE, else "
		    "state)\n"
		    "  --json        print JSON\n"
		    "  -c DIR        configuration for check and migrate (conf.d)\n"
		    "  -o KEY=VALUE  overrides section.key of it\n"
		    "  IDENTIFIER    a phone number, an e-mail address or a username\n"
		    "  WHO           an identifier, a uuid or the number of an account\n",
		    out);
	return exit_status;
}

static bool is_command(const struct command *command, int n_words, char **words)
{
	if (n_words < 1 || strcmp(words[0], command->noun) != 0)
		return false;
	return !command->verb || (n_words > 1 && strcmp(words[1], command->verb) == 0);
}

static int run(struct options *options, int n_words, char **words)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct command *command = &commands[i];
		int own = command->verb ? 2 : 1;

		if (!is_command(command, n_words, words))
			continue;
		if (n_words - own < command->min_args || n_words - own > command->max_args)
			break;
		return command->run(options, n_words - own, words + own);
	}
	return usage(stderr, EXIT_USAGE);
}

static bool take_option(struct options *options, int option)
{
	switch (option) {
	case 's':
		options->control.state_dir = optarg;
		return true;
	case 'j':
		options->is_json = true;
		return true;
	case 'c':
		options->conf_dir = optarg;
		return true;
	case 'o':
		if (options->n_overrides == MAX_OVERRIDES)
			return false;
		options->overrides[options->n_overrides++] = optarg;
		return true;
	default:
		return false;
	}
}

int main(int argc, char **argv)
{
	static const struct option longs[] = { { "json", no_argument, NULL, 'j' },
					       { "help", no_argument, NULL, 'h' },
					       { "version", no_argument, NULL, 'V' },
					       { NULL, 0, NULL, 0 } };
	const char *state = getenv("PINTLE_STATE");
	struct options options = {
		.control = { .state_dir = state && *state ? state : "state", .dir_fd = -1 },
		.conf_dir = "conf.d",
	};
	int option, exit_status;

	while ((option = getopt_long(argc, argv, "s:c:o:h", longs, NULL)) != -1) {
		if (option == 'h')
			return usage(stdout, EXIT_SUCCESS);
		if (option == 'V')
			return puts("pintlectl " PINTLE_VERSION) < 0;
		if (!take_option(&options, option))
			return usage(stderr, EXIT_USAGE);
	}
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return fail("libcurl does not start");
	exit_status = run(&options, argc - optind, argv + optind);
	control_fini(&options.control);
	curl_global_cleanup();
	return exit_status;
}
