/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that ask a running pintled. */
#include "commands.h"

#include "show.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <time.h>
#include <unistd.h>

#define POLL_MS 50
#define RELOAD_MAX_MS 60000
#define STOP_MAX_MS 60000

int fail(const char *why)
{
	(void)fprintf(stderr, "pintlectl: %s\n", why);
	return EXIT_FAILURE;
}

static void show(const struct options *options, show_fn *show_text, const json_t *data)
{
	(options->is_json ? show_json : show_text)(data);
}

/* Asks, shows the answer, and that is all; body is taken over. */
static int ask_and_show(struct options *options, const char *method, const char *path, json_t *body,
			show_fn *show_text)
{
	json_t *data;

	if (control_ask(&options->control, method, path, body, &data) != CONTROL_OK)
		return fail(options->control.error);
	show(options, show_text, data);
	json_decref(data);
	return EXIT_SUCCESS;
}

/* prefix, then text as one piece of a path or query, then suffix; body is taken over. */
static int ask_about(struct options *options, const char *method, const char *const around[2],
		     const char *what, json_t *body, show_fn *show_text)
{
	char *escaped = curl_easy_escape(NULL, what, 0);
	char path[1024];
	int len;

	if (!escaped) {
		json_decref(body);
		return fail("out of memory");
	}
	len = snprintf(path, sizeof(path), "%s%s%s", around[0], escaped, around[1]);
	curl_free(escaped);
	if (len < 0 || (size_t)len >= sizeof(path)) {
		json_decref(body);
		return fail("the argument is too long");
	}
	return ask_and_show(options, method, path, body, show_text);
}

int command_status(struct options *options, int n_args, char **args)
{
	(void)n_args;
	(void)args;
	return ask_and_show(options, "GET", "/control/status", NULL, show_status);
}

int command_provider_list(struct options *options, int n_args, char **args)
{
	(void)n_args;
	(void)args;
	return ask_and_show(options, "GET", "/control/providers", NULL, show_providers);
}

int command_provider_resume(struct options *options, int n_args, char **args)
{
	static const char *const around[] = { "/control/providers/", "/resume" };

	(void)n_args;
	return ask_about(options, "POST", around, args[0], NULL, show_nothing);
}

int command_gateway_status(struct options *options, int n_args, char **args)
{
	(void)n_args;
	(void)args;
	return ask_and_show(options, "GET", "/control/gateways", NULL, show_gateways);
}

static int switch_gateway(struct options *options, const char *name, bool is_enabled)
{
	static const char *const around[] = { "/control/gateways/", "" };

	return ask_about(options, "PUT", around, name, json_pack("{s:b}", "enabled", is_enabled),
			 show_nothing);
}

int command_gateway_disable(struct options *options, int n_args, char **args)
{
	(void)n_args;
	return switch_gateway(options, args[0], false);
}

int command_gateway_enable(struct options *options, int n_args, char **args)
{
	(void)n_args;
	return switch_gateway(options, args[0], true);
}

int command_gateway_test(struct options *options, int n_args, char **args)
{
	json_t *body = json_pack("{s:s}", "to", args[0]);

	if (n_args > 1)
		(void)json_object_set_new(body, "name", json_string(args[1]));
	return ask_and_show(options, "POST", "/control/gateways/test", body, show_tests);
}

int command_user_create(struct options *options, int n_args, char **args)
{
	json_t *identifiers = json_array();

	for (int i = 0; i < n_args; i++)
		(void)json_array_append_new(identifiers, json_string(args[i]));
	return ask_and_show(options, "POST", "/control/users",
			    json_pack("{s:o}", "identifiers", identifiers), show_user);
}

int command_user_show(struct options *options, int n_args, char **args)
{
	static const char *const around[] = { "/control/users?who=", "" };

	(void)n_args;
	return ask_about(options, "GET", around, args[0], NULL, show_user);
}

static int set_status(struct options *options, const char *who, const char *status)
{
	return ask_and_show(options, "PUT", "/control/users/status",
			    json_pack("{s:s, s:s}", "who", who, "status", status), show_user);
}

int command_user_freeze(struct options *options, int n_args, char **args)
{
	(void)n_args;
	return set_status(options, args[0], "frozen");
}

int command_user_unfreeze(struct options *options, int n_args, char **args)
{
	(void)n_args;
	return set_status(options, args[0], "active");
}

int command_session_revoke(struct options *options, int n_args, char **args)
{
	static const char *const around[] = { "/control/sessions/", "" };

	(void)n_args;
	return ask_about(options, "DELETE", around, args[0], NULL, show_nothing);
}

int command_send_lift(struct options *options, int n_args, char **args)
{
	(void)n_args;
	return ask_and_show(options, "POST", "/control/sends/lift",
			    json_pack("{s:s}", "what", args[0]), show_nothing);
}

int command_key_rotate(struct options *options, int n_args, char **args)
{
	(void)n_args;
	(void)args;
	return ask_and_show(options, "POST", "/control/keys/rotate", json_object(), show_key);
}

int command_outbox(struct options *options, int n_args, char **args)
{
	(void)n_args;
	(void)args;
	return ask_and_show(options, "GET", "/control/outbox", NULL, show_outbox);
}

int command_routes(struct options *options, int n_args, char **args)
{
	(void)n_args;
	(void)args;
	return ask_and_show(options, "GET", "/control/routes", NULL, show_routes);
}

/* ---- Orders, and waiting for what comes of them ---- */

static int64_t mono_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pause_ms(long ms)
{
	const struct timespec span = { .tv_nsec = ms * 1000000 };

	(void)nanosleep(&span, NULL);
}

static bool give_order(struct options *options, const char *order)
{
	json_t *none;
	bool ok = control_ask(&options->control, "POST", "/control/order",
			      json_pack("{s:s}", "order", order), &none) == CONTROL_OK;

	json_decref(none);
	return ok;
}

static json_t *ask_status(struct options *options)
{
	json_t *status;

	(void)control_ask(&options->control, "GET", "/control/status", NULL, &status);
	return status;
}

static json_int_t n_reloads(const json_t *status)
{
	return json_integer_value(json_object_get(json_object_get(status, "last_reload"), "count"));
}

/* The status after the reload that follows before; NULL when it took too long. An ask that fails is asked
 * again: the worker that had it may just have been replaced. */
static json_t *wait_reload(struct options *options, json_int_t before)
{
	int64_t end_ms = mono_ms() + RELOAD_MAX_MS;

	while (mono_ms() < end_ms) {
		json_t *status = ask_status(options);

		if (status && n_reloads(status) > before)
			return status;
		json_decref(status);
		pause_ms(POLL_MS);
	}
	return NULL;
}

static int report_reload(const struct options *options, const json_t *status)
{
	const json_t *reload = json_object_get(status, "last_reload");
	const char *text = json_string_value(json_object_get(reload, "text"));

	if (!json_is_true(json_object_get(reload, "good")))
		return fail(text && *text ? text : "the configuration was refused");
	if (options->is_json)
		show_json(status);
	else
		printf("reloaded, generation %lld\n",
		       (long long)json_integer_value(json_object_get(status, "generation")));
	return EXIT_SUCCESS;
}

int command_reload(struct options *options, int n_args, char **args)
{
	json_t *before = ask_status(options), *after;
	int exit_status;

	(void)n_args;
	(void)args;
	if (!before || !give_order(options, "reload")) {
		json_decref(before);
		return fail(options->control.error);
	}
	after = wait_reload(options, n_reloads(before));
	json_decref(before);
	if (!after)
		return fail(
			"the reload did not end in time; pintlectl status shows what is going on");
	exit_status = report_reload(options, after);
	json_decref(after);
	return exit_status;
}

/* A pidfd tells of the end also when nobody has waited for the process yet. */
static bool wait_end(int pidfd)
{
	struct pollfd end = { .fd = pidfd, .events = POLLIN };

	return poll(&end, 1, STOP_MAX_MS) == 1;
}

int command_stop(struct options *options, int n_args, char **args)
{
	json_t *status = ask_status(options);
	pid_t pid = (pid_t)json_integer_value(json_object_get(status, "pid"));
	int pidfd, exit_status = EXIT_SUCCESS;

	(void)n_args;
	(void)args;
	if (!status)
		return fail(options->control.error);
	json_decref(status);
	pidfd = pidfd_open(pid, 0);
	if (pidfd < 0)
		return fail("cannot see the process of pintled from here");
	if (!give_order(options, "stop"))
		exit_status = fail(options->control.error);
	else if (!wait_end(pidfd))
		exit_status = fail("pintled was told to stop and still runs");
	(void)close(pidfd);
	return exit_status;
}
