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

#define MAX_WORDS 8 /* more than any command takes */
#define A_WORD 1    /* what getopt_long says of a word that is no option */

/* The command's words and their arguments, without the options among them. */
struct words {
	char *texts[MAX_WORDS];
	int n;
};

static const struct command commands[] = {
	{ "check", NULL, 0, 0, command_check, "check [-c DIR] [-o KEY=VALUE]" },
	{ "explain", NULL, 1, 1, command_explain, "explain PLUGIN" },
	{ "migrate", NULL, 0, 0, command_migrate, "migrate [-c DIR] [-o KEY=VALUE]" },
	{ "store", "copy", 2, 2, command_store_copy, "store copy FROM TO [-c DIR] [-o KEY=VALUE]" },
	{ "status", NULL, 0, 0, command_status, "status" },
	{ "reload", NULL, 0, 0, command_reload, "reload" },
	{ "stop", NULL, 0, 0, command_stop, "stop" },
	{ "provider", "list", 0, 0, command_provider_list, "provider list" },
	{ "provider", "resume", 1, 1, command_provider_resume, "provider resume NAME" },
	{ "gateway", "status", 0, 0, command_gateway_status, "gateway status" },
	{ "gateway", "disable", 1, 1, command_gateway_disable, "gateway disable NAME" },
	{ "gateway", "enable", 1, 1, command_gateway_enable, "gateway enable NAME" },
	{ "gateway", "test", 1, 2, command_gateway_test, "gateway test NUMBER [NAME]" },
	{ "user", "create", 1, 3, command_user_create, "user create IDENTIFIER…" },
	{ "user", "show", 1, 1, command_user_show, "user show WHO" },
	{ "user", "freeze", 1, 1, command_user_freeze, "user freeze WHO" },
	{ "user", "unfreeze", 1, 1, command_user_unfreeze, "user unfreeze WHO" },
	{ "session", "revoke", 1, 1, command_session_revoke, "session revoke ID" },
	{ "send", "lift", 1, 1, command_send_lift, "send lift WHAT" },
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
		    "  -c DIR        configuration for check, migrate and copy (conf.d)\n"
		    "  -o KEY=VALUE  overrides section.key of it\n"
		    "  FROM, TO      sections of SQL stores\n"
		    "  IDENTIFIER    a phone number, an e-mail address or a username\n"
		    "  WHO           an identifier, a uuid or the number of an account\n"
		    "  WHAT          what an alarm named, such as country:852\n",
		    out);
	return exit_status;
}

static bool is_command(const struct command *command, const struct words *words)
{
	if (words->n < 1 || strcmp(words->texts[0], command->noun) != 0)
		return false;
	return !command->verb || (words->n > 1 && strcmp(words->texts[1], command->verb) == 0);
}

static int n_own_words(const struct command *command)
{
	return command->verb ? 2 : 1;
}

/* NULL: there is none like that. */
static const struct command *find_command(const struct words *words)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (is_command(&commands[i], words))
			return &commands[i];
	}
	return NULL;
}

static int run(struct options *options, struct words *words)
{
	const struct command *command = find_command(words);
	int own = command ? n_own_words(command) : 0, n_args = words->n - own;

	if (!command || n_args < command->min_args || n_args > command->max_args)
		return usage(stderr, EXIT_USAGE);
	return command->run(options, n_args, words->texts + own);
}

static bool take_word(struct words *words, char *text)
{
	if (words->n == MAX_WORDS)
		return false;
	words->texts[words->n++] = text;
	return true;
}

static bool take_option(struct options *options, struct words *words, int option)
{
	switch (option) {
	case A_WORD:
		return take_word(words, optarg);
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

/* Whether the command so far lacks an argument: what follows then is one also when it begins with a
 * dash, as one session id in 64 does. */
static bool lacks_argument(const struct words *words)
{
	const struct command *command = find_command(words);

	return command && words->n - n_own_words(command) < command->min_args;
}

/* As getopt_long does: -1 at the end or behind "--". */
static int next_option(const struct words *words, int argc, char **argv)
{
	static const struct option longs[] = { { "json", no_argument, NULL, 'j' },
					       { "help", no_argument, NULL, 'h' },
					       { "version", no_argument, NULL, 'V' },
					       { NULL, 0, NULL, 0 } };

	if (optind < argc && lacks_argument(words) && strcmp(argv[optind], "--") != 0) {
		optarg = argv[optind++];
		return A_WORD;
	}
	return getopt_long(argc, argv, "-s:c:o:h", longs, NULL);
}

int main(int argc, char **argv)
{
	const char *state = getenv("PINTLE_STATE");
	struct options options = {
		.control = { .state_dir = state && *state ? state : "state", .dir_fd = -1 },
		.conf_dir = "conf.d",
	};
	struct words words = { .n = 0 };
	int option, exit_status;

	while ((option = next_option(&words, argc, argv)) != -1) {
		if (option == 'h')
			return usage(stdout, EXIT_SUCCESS);
		if (option == 'V')
			return puts("pintlectl " PINTLE_VERSION) < 0;
		if (!take_option(&options, &words, option))
			return usage(stderr, EXIT_USAGE);
	}
	while (optind < argc) {
		if (!take_word(&words, argv[optind++]))
			return usage(stderr, EXIT_USAGE);
	}
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return fail("libcurl does not start");
	exit_status = run(&options, &words);
	control_fini(&options.control);
	curl_global_cleanup();
	return exit_status;
}
