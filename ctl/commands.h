/* SPDX-License-Identifier: Apache-2.0 */
/* What pintlectl can be told to do; each returns the exit status. */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "control.h"

#include <stddef.h>

#define EXIT_USAGE 2
#define MAX_OVERRIDES 64

struct options {
	struct control control;
	bool is_json;
	const char *conf_dir;
	const char *overrides[MAX_OVERRIDES];
	size_t n_overrides;
};

/* args are the words after the command's own. */
typedef int command_fn(struct options *options, int n_args, char **args);

/* With a running pintled. */
command_fn command_status, command_reload, command_stop, command_provider_list,
	command_provider_resume, command_gateway_status, command_gateway_disable,
	command_gateway_enable, command_gateway_test, command_user_create, command_user_show,
	command_user_freeze, command_user_unfreeze, command_session_revoke, command_send_lift,
	command_key_rotate, command_outbox, command_routes;
/* By a pintled that is run for it. */
command_fn command_check, command_explain, command_migrate, command_store_copy;

/* Prints why on standard error. */
int fail(const char *why);

#endif
