/* SPDX-License-Identifier: Apache-2.0 */
/* Misbehaves as the request's field "how" says, in begin and verify, and as its option says in open. */
#include "promises.h"
#include "skeleton.h"

#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define N_THREADS 1000
#define N_FDS 100
#define LEAK_BYTES (1024 * 1024)

struct conf {
	int32_t at_open;
	const char *fatal_file;
};

enum at_open {
	OPEN_WELL,
	OPEN_SEGV,
	OPEN_ABORT,
	OPEN_EXIT,
	OPEN_HANG,
	OPEN_SIGNALS,
	OPEN_LOCALE,
	OPEN_UMASK
};

static const struct pintle_opt opts[] = {
	{ "at_open", PINTLE_CHOICE, PINTLE_OPT(struct conf, at_open), "nothing", 0, 0,
	  "nothing segv abort exit hang signals locale umask",
	  "What goes wrong when it is opened." },
	{ "fatal_file", PINTLE_STRING, PINTLE_OPT(struct conf, fatal_file), "", 0, 0, NULL,
	  "Opening it crashes while this file exists." },
};

typedef int32_t misdeed(const struct pintle_host *host, struct pintle_call *call);

/* ---- Ends of the process ---- */

static int32_t segv(const struct pintle_host *host, struct pintle_call *call)
{
	volatile int *volatile nowhere = NULL; /* so that no compiler sees it coming */

	(void)host;
	(void)call;
	*nowhere = 1;
	return PINTLE_INTERNAL;
}

static int32_t call_abort(const struct pintle_host *host, struct pintle_call *call)
{
	(void)host;
	(void)call;
	abort();
}

static int32_t call_exit(const struct pintle_host *host, struct pintle_call *call)
{
	(void)host;
	(void)call;
	exit(0);
}

static int32_t overflow(const struct pintle_host *host, struct pintle_call *call)
{
	volatile char room[4096];

	room[0] = (char)(host != NULL);
	return host ? overflow(host, call) + room[0] : PINTLE_INTERNAL;
}

_Noreturn static int32_t hang(const struct pintle_host *host, struct pintle_call *call)
{
	(void)host;
	(void)call;
	for (;;)
		(void)pause();
}

/* ---- Harm to the process ---- */

static int32_t leak(const struct pintle_host *host, struct pintle_call *call)
{
	char *lost = malloc(LEAK_BYTES);

	(void)host;
	(void)call;
	if (lost)
		memset(lost, 1, LEAK_BYTES);
	return PINTLE_DENIED;
}

static int32_t close_fds(const struct pintle_host *host, struct pintle_call *call)
{
	(void)host;
	(void)call;
	for (int fd = 0; fd <= N_FDS; fd++)
		(void)close(fd);
	return PINTLE_DENIED;
}

static int32_t signals(const struct pintle_host *host, struct pintle_call *call)
{
	(void)host;
	(void)call;
	(void)signal(SIGSEGV, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGQUIT, SIG_IGN);
	return PINTLE_DENIED;
}

static int32_t locale(const struct pintle_host *host, struct pintle_call *call)
{
	(void)host;
	(void)call;
	(void)setlocale(LC_ALL, "C.UTF-8");
	return PINTLE_DENIED;
}

static void *sleep_a_second(void *arg)
{
	(void)sleep(1);
	return arg;
}

static int32_t threads(const struct pintle_host *host, struct pintle_call *call)
{
	pthread_t thread;

	(void)host;
	(void)call;
	for (int i = 0; i < N_THREADS; i++) {
		if (pthread_create(&thread, NULL, sleep_a_second, NULL) == 0)
			(void)pthread_detach(thread);
	}
	return PINTLE_DENIED;
}

/* ---- Answers not to be believed ---- */

static int32_t nobody(const struct pintle_host *host, struct pintle_call *call)
{
	(void)host;
	(void)call;
	return PINTLE_OK;
}

static int32_t foreign(const struct pintle_host *host, struct pintle_call *call)
{
	(void)host->subject(call, "phone", "+8613800000000");
	return PINTLE_OK;
}

static int32_t not_text(const struct pintle_host *host, struct pintle_call *call)
{
	(void)host->subject(call, "unruly", "\xff\xfe");
	return PINTLE_OK;
}

static int32_t no_account(const struct pintle_host *host, struct pintle_call *call)
{
	(void)host->account(call, -5);
	return PINTLE_OK;
}

static int32_t no_status(const struct pintle_host *host, struct pintle_call *call)
{
	(void)host;
	(void)call;
	return 4711;
}

static int32_t fine(const struct pintle_host *host, struct pintle_call *call)
{
	return host->subject(call, "unruly", "somebody");
}

/* ---- The plugin ---- */

static const struct {
	const char *how;
	misdeed *run;
} misdeeds[] = {
	{ "segv", segv },
	{ "abort", call_abort },
	{ "exit", call_exit },
	{ "overflow", overflow },
	{ "hang", hang },
	{ "never", never },
	{ "twice", twice },
	{ "late", late },
	{ "both", both },
	{ "leak", leak },
	{ "close_fds", close_fds },
	{ "signals", signals },
	{ "locale", locale },
	{ "threads", threads },
	{ "nobody", nobody },
	{ "foreign", foreign },
	{ "not_text", not_text },
	{ "no_account", no_account },
	{ "no_status", no_status },
	{ "fine", fine },
	{ "open_here", open_here },
	{ "open_there", open_there },
	{ "open_ever", open_ever },
	{ "open_and_ask", open_and_ask },
	{ "open_apart", open_apart },
};

static int32_t misbehave(void *self_of_inst, struct pintle_call *call)
{
	const struct pintle_plain *self = self_of_inst;
	const char *how = self->host->field(call, "how");

	for (size_t i = 0; how && i < sizeof(misdeeds) / sizeof(misdeeds[0]); i++) {
		if (strcmp(misdeeds[i].how, how) == 0)
			return misdeeds[i].run(self->host, call);
	}
	return PINTLE_DENIED;
}

static int32_t begin(void *self_of_inst, struct pintle_call *call)
{
	const struct pintle_plain *self = self_of_inst;
	int32_t status = self->host->target(call, "unruly", "somebody");

	(void)self->host->keep(call, "kept", "kept");
	return status == PINTLE_OK ? misbehave(self_of_inst, call) : status;
}

static void misbehave_at_open(const struct pintle_host *host, const struct conf *conf)
{
	if (access(conf->fatal_file, F_OK) == 0)
		(void)segv(host, NULL);
	switch (conf->at_open) {
	case OPEN_SEGV:
		(void)segv(host, NULL);
		break;
	case OPEN_ABORT:
		abort();
	case OPEN_EXIT:
		exit(0);
	case OPEN_HANG:
		hang(host, NULL);
	case OPEN_SIGNALS:
		(void)signals(host, NULL);
		break;
	case OPEN_LOCALE:
		(void)locale(host, NULL);
		break;
	case OPEN_UMASK:
		(void)umask(0);
		break;
	default:
		break;
	}
}

static int32_t open_instance(const struct pintle_host *host, struct pintle_inst *inst,
			     const void *conf, void **self_out, char *err, size_t err_len)
{
	struct pintle_plain *self = calloc(1, sizeof(*self));

	(void)err;
	(void)err_len;
	if (!self)
		return PINTLE_INTERNAL;
	*self = (struct pintle_plain){ host, inst, conf };
	*self_out = self;
	instance = inst;
	misbehave_at_open(host, conf);
	return PINTLE_OK;
}

static const char *const namespaces[] = { "unruly", NULL };

static const struct pintle_provider provider = {
	SKELETON_PROVIDER(namespaces),
	.begin = begin,
	.verify = misbehave,
	.callback = misbehave,
};

static const struct pintle_route routes[] = {
	{ .method = "GET",
	  .path = "/w/unruly",
	  .kind = PINTLE_TO_OP,
	  .op = misbehave,
	  .summary = "A page that does" },
};

static const struct pintle_api api = {
	.size = sizeof(api),
	.route_size = sizeof(routes[0]),
	.routes = routes,
	.n_routes = PINTLE_N(routes),
};

static const struct pintle_plugin plugin = {
	SKELETON_PLUGIN("unruly"),
	.opts = opts,
	.n_opts = sizeof(opts) / sizeof(opts[0]),
	.opt_size = sizeof(struct pintle_opt),
	.conf_size = sizeof(struct conf),
	.open = open_instance,
	.close = free,
	.provider = &provider,
	.api = &api,
};

PINTLE_PLUGIN(plugin)
