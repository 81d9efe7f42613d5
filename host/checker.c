/* SPDX-License-Identifier: Apache-2.0 */
#include "checker.h"

#include "board.h"
#include "clock.h"
#include "instance.h"
#include "log.h"
#include "settings.h"
#include "xalloc.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef PINTLE_PLUGIN_DIR
#define PINTLE_PLUGIN_DIR "/usr/lib/pintle/plugins"
#endif
#define IS_GOOD '+'
#define IS_BAD '-'

void checker_plugin_dir(const char *configured, char *out, size_t out_len)
{
	char program[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);
	struct stat st;

	(void)snprintf(out, out_len, "%s", configured);
	if (*configured)
		return;
	program[len > 0 ? len : 0] = '\0';
	if (len > 0)
		*strrchr(program, '/') = '\0';
	if (snprintf(out, out_len, "%s/plugins", program) >= (int)out_len || stat(out, &st) != 0 ||
	    !S_ISDIR(st.st_mode))
		(void)snprintf(out, out_len, "%s", PINTLE_PLUGIN_DIR);
}

void checker_become_child(pid_t parent, int death_signal)
{
	static const int ordinary[] = { SIGTERM, SIGQUIT, SIGCHLD };
	sigset_t none;

	(void)sigemptyset(&none);
	for (size_t i = 0; i < sizeof(ordinary) / sizeof(ordinary[0]); i++)
		(void)signal(ordinary[i], SIG_DFL);
	/* What a terminal sends to all is meant for the supervisor, which tells the others. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (prctl(PR_SET_PDEATHSIG, death_signal) != 0 || getppid() != parent)
		_exit(1);
}

static void forget(struct checker *checker)
{
	(void)close(checker->socket);
	board_free(checker->board);
	*checker = (struct checker){ 0 };
}

static bool is_state_kept(const struct supervisor_start *start, const struct settings *settings,
			  const struct conf *conf, struct err *err)
{
	struct conf_place place =
		conf_place_of(conf_section(conf, "server"), "server", "state_dir");

	return !start->state_dir || strcmp(start->state_dir, settings->server.state_dir) == 0 ||
	       conf_fail(err, &place, "cannot change while the server runs");
}

static bool read_tls(struct snapshot *snapshot, const struct settings *settings, struct err *err)
{
	const struct server_settings *server = &settings->server;
	struct conf_place place =
		conf_place_of(conf_section(&snapshot->conf, "server"), "server", "listen_tls");
	struct err why;

	return !server->listen_tls[0] ||
	       tls_pem_read(&snapshot->tls, server->tls_cert, server->tls_key, &why) ||
	       conf_fail(err, &place, "%s", why.text);
}

static bool check(const struct supervisor_start *start, const struct trial *trial,
		  struct board *board, struct snapshot *snapshot, struct err *err)
{
	char plugin_dir[PATH_MAX];
	struct settings settings;
	bool ok;

	*snapshot = (struct snapshot){ 0 };
	if (!conf_read(&snapshot->conf, start->conf_dir, start->overrides, start->n_overrides,
		       err) ||
	    !settings_bind(&settings, &snapshot->conf, err))
		return false;
	checker_plugin_dir(settings.server.plugin_dir, plugin_dir, sizeof(plugin_dir));
	log_init("checker", (enum log_level)settings.log.level);
	ok = is_state_kept(start, &settings, &snapshot->conf, err) &&
	     instances_open_files(snapshot, plugin_dir, err) &&
	     read_tls(snapshot, &settings, err) && trial_run(snapshot, trial, board, err);
	settings_fini(&settings);
	return ok;
}

static void run_child(const struct supervisor_start *start, const struct trial *trial,
		      struct board *board, int socket)
{
	struct snapshot snapshot;
	struct err err = { .text = "" };
	char verdict;

	board_watch_faults(&board->workers[0]);
	verdict = check(start, trial, board, &snapshot, &err) ? IS_GOOD : IS_BAD;
	(void)!write(socket, &verdict, 1); /* who does not listen has gone, and so do we */
	if (verdict == IS_BAD)
		(void)!write(socket, err.text, strlen(err.text));
	else if (!snapshot_send(&snapshot, socket, &err))
		log_error("%s", err.text);
	snapshot_fini(&snapshot);
}

bool checker_start(struct checker *checker, const struct supervisor_start *start,
		   const struct trial *trial, struct err *err)
{
	const struct timeval limit = { .tv_sec = trial->max_ms / 1000 };
	pid_t parent = getpid();
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return err_set(err, "no socket for the check: %s", strerror(errno));
	(void)setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	checker->board = board_new();
	if (!checker->board)
		out_of_memory();
	checker->pid = fork();
	if (checker->pid == 0) {
		checker_become_child(parent, SIGKILL);
		(void)close(pair[0]);
		run_child(start, trial, checker->board, pair[1]);
		_exit(0); /* the parent's buffers and hooks are not ours to run */
	}
	(void)close(pair[1]);
	checker->socket = pair[0];
	checker->deadline_ms = clock_mono_ms() + trial->max_ms;
	if (checker->pid > 0)
		return true;
	(void)err_set(err, "no process for the check: %s", strerror(errno));
	forget(checker);
	return false;
}

static bool read_reason(int socket, struct err *err)
{
	size_t len = 0;
	ssize_t n;

	while ((n = recv(socket, err->text + len, sizeof(err->text) - 1 - len, 0)) > 0)
		len += (size_t)n;
	err->text[len] = '\0';
	return false;
}

/* What a plugin did to the child, as far as the child could still write it down. The board is read as
 * input: the plugin could write there as well. */
static bool name_plugin(const struct checker *checker, struct err *err)
{
	const struct board_fault *fault = &checker->board->workers[0].fault;
	int32_t cause = atomic_load(&fault->signal), instance = atomic_load(&fault->instance);
	const char *name, *how = cause > 0 ? strsignal(cause) : "exit";

	if (cause == 0 || instance < 0 || instance >= BOARD_INSTANCES)
		return false;
	name = checker->board->instances[instance].name;
	(void)err_set(err, "[%.*s] the plugin ended the check of the configuration in its %.*s: %s",
		      BOARD_NAME_MAX - 1, name, (int)sizeof(fault->op) - 1, fault->op, how);
	return true;
}

static void tell_end(const struct checker *checker, int status, struct err *err)
{
	if (name_plugin(checker, err))
		return;
	if (WIFSIGNALED(status))
		(void)err_set(err, "the check of the configuration died of signal %d (%s)",
			      WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		(void)err_set(err, "the check of the configuration ended without a result");
}

/* The child ends, since nobody listens any more; one that does not is killed first. */
static void reap(struct checker *checker, int *status_out)
{
	pid_t pid;

	*status_out = 0;
	do
		pid = waitpid(checker->pid, status_out, 0);
	while (pid < 0 && errno == EINTR);
}

bool checker_finish(struct checker *checker, struct snapshot *snapshot, struct err *err)
{
	char verdict = 0;
	ssize_t n = recv(checker->socket, &verdict, 1, 0);
	bool ok = false;
	int status;

	if (n == 1 && verdict == IS_GOOD)
		ok = snapshot_receive(snapshot, checker->socket, err);
	else if (n == 1)
		ok = read_reason(checker->socket, err);
	(void)shutdown(checker->socket, SHUT_RDWR);
	if (n < 0)
		(void)kill(checker->pid, SIGKILL); /* its time is over */
	reap(checker, &status);
	if (n != 1)
		tell_end(checker, status, err);
	forget(checker);
	return ok;
}

void checker_kill(struct checker *checker)
{
	int status;

	if (checker->pid == 0)
		return;
	(void)kill(checker->pid, SIGKILL);
	reap(checker, &status);
	forget(checker);
}
