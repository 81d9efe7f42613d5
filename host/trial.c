/* SPDX-License-Identifier: Apache-2.0 */
#include "trial.h"

#include "generation.h"
#include "host_make.h"
#include "neighbours.h"
#include "tls.h"
#include "worker.h"

/* Migrations of a large database take their time; a plugin that hangs must not block reloads for ever. */
#define CHECK_MAX_MS (10 * 60 * 1000)

static bool try_stores(struct host *host, const void *arg, struct err *err)
{
	struct neighbours neighbours = { .db = &host->db,
					 .kv = &host->kv,
					 .keyring = host->keyring };

	(void)arg;
	return host_migrate(host, &host->db, err) &&
	       neighbours_init(&neighbours, host->seal, host->settings->server.state_dir, err) &&
	       neighbours_join(&neighbours, err);
}

const struct trial trial_look = { .max_ms = CHECK_MAX_MS };
const struct trial trial_stores = { .task = try_stores, .max_ms = CHECK_MAX_MS };

struct running {
	struct job job; /* first: what the pool runs */
	struct host *host;
	const struct trial *trial;
	struct err *err;
	bool ok;
};

static void stop_loop(void *loop)
{
	loop_stop(loop);
}

static void run_task(struct job *job)
{
	struct running *running = (struct running *)job;
	struct loop *loop = running->host->loop;

	running->ok = running->trial->task(running->host, running->trial->arg, running->err);
	loop_post(loop, stop_loop, loop);
}

static bool run_beside_loop(struct host *host, const struct trial *trial, struct err *err)
{
	struct running running = { .job.run = run_task, .host = host, .trial = trial, .err = err };

	if (!pool_submit(host->pool, host->background, &running.job))
		return err_set(err, "no thread to ask the stores");
	loop_run(host->loop);
	(void)pool_drain(host->pool, INT64_MAX);
	return running.ok;
}

static bool run_settings(const struct settings *settings, struct snapshot *snapshot,
			 struct board *board, const struct trial *trial, struct err *err)
{
	struct host_start start = { .settings = settings,
				    .snapshot = snapshot,
				    .board = board,
				    .self = &board->workers[0],
				    .order_pipe = -1,
				    .n_workers = 1,
				    .url = "http://localhost",
				    .is_dry = !trial->task };
	struct tls *tls = NULL;
	struct host host;
	bool ok;

	if (!worker_load_tls(settings, snapshot, &tls, err))
		return false;
	tls_free(tls);
	if (!host_make(&host, &start, err))
		return false;
	ok = !trial->task || run_beside_loop(&host, trial, err);
	host_undo(&host);
	return ok;
}

bool trial_run(struct snapshot *snapshot, const struct trial *trial, struct board *board,
	       struct err *err)
{
	struct settings settings;
	bool ok;

	if (!settings_bind(&settings, &snapshot->conf, err))
		return false;
	generation_name_instances(board, &snapshot->conf);
	ok = run_settings(&settings, snapshot, board, trial, err);
	settings_fini(&settings);
	return ok;
}
