/* SPDX-License-Identifier: Apache-2.0 */
#include "chores.h"

#include "burial.h"
#include "clock.h"
#include "host.h"
#include "log.h"
#include "neighbours.h"
#include "retention.h"
#include "xalloc.h"

#include <pintle/status.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_MS INT64_C(60000)
#define N_CHORES 3
#define KV_EPOCH_MAX 65 /* store.h: at most 64 bytes */
#define LOOKS 6         /* in the time after which a chore is due again */

typedef void chore_fn(struct chores *chores);

struct chore {
	struct job job; /* first: what the pool runs */
	struct chores *chores;
	const char *name;
	chore_fn *run;
	int64_t every_ms, next_look_ms;
	_Atomic bool is_submitted;
};

struct chores {
	const struct host *host;
	struct neighbours neighbours;
	struct burial burial;
	char epoch[KV_EPOCH_MAX]; /* of the key-value store, as last seen */
	_Atomic bool must_stop;
	struct chore all[N_CHORES];
};

static void delete_old(struct chores *chores)
{
	const struct host *host = chores->host;

	if (retention_run(&host->db, host->settings, &chores->must_stop) != PINTLE_OK)
		log_warn("old rows could not all be deleted; the rest waits for the next hour");
}

static void bury_revoked(struct chores *chores)
{
	const struct host *host = chores->host;

	if (burial_run(&chores->burial, &host->db, &host->kv, host->settings, &chores->must_stop) !=
	    PINTLE_OK)
		log_warn("revoked sessions could not all be buried; the rest waits for the next "
			 "minute");
}

static void say_alive(struct chores *chores)
{
	struct err err;

	if (!neighbours_renew(&chores->neighbours, &err))
		log_error("%s", err.text);
}

/* Without the store nobody does it now. */
static bool is_ours(const struct chore *chore)
{
	const struct host *host = chore->chores->host;
	struct arena arena = { 0 };
	const char *key =
		arena_printf(&arena, "h:%s:%s", chore->name, chore->chores->neighbours.host_id);
	struct pintle_kv_request mark = kv_add(key, "", 0, chore->every_ms);
	int64_t deadline_ms = clock_mono_ms() + host->settings->storage.timeout_ms;
	int32_t status = kv_do(&host->kv, &mark, deadline_ms, &arena, NULL);

	arena_fini(&arena);
	return status == PINTLE_OK;
}

static void run_chore(struct job *job)
{
	struct chore *chore = (struct chore *)job;

	if (!atomic_load(&chore->chores->must_stop) && is_ours(chore))
		chore->run(chore->chores);
	atomic_store(&chore->is_submitted, false);
}

struct chores *chores_new(const struct host *host, struct err *err)
{
	struct chores *chores = xcalloc(1, sizeof(*chores));

	chores->host = host;
	chores->all[0] = (struct chore){ .name = "alive", .run = say_alive, .every_ms = MINUTE_MS };
	chores->all[1] = (struct chore){ .name = "retention",
					 .run = delete_old,
					 .every_ms = 60 * MINUTE_MS };
	chores->all[2] =
		(struct chore){ .name = "burial", .run = bury_revoked, .every_ms = MINUTE_MS };
	for (int i = 0; i < N_CHORES; i++) {
		chores->all[i].job.run = run_chore;
		chores->all[i].chores = chores;
	}
	chores->neighbours =
		(struct neighbours){ .db = &host->db, .kv = &host->kv, .keyring = host->keyring };
	if (neighbours_init(&chores->neighbours, host->seal, host->settings->server.state_dir, err))
		return chores;
	free(chores);
	return NULL;
}

/* With its memory the store has lost the marks and what the hosts said: all chores are due. */
static void look_at_epoch(struct chores *chores)
{
	const struct kv *kv = &chores->host->kv;
	char epoch[KV_EPOCH_MAX];

	if (kv->ops->epoch(kv->self, epoch, sizeof(epoch)) != PINTLE_OK ||
	    strcmp(epoch, chores->epoch) == 0)
		return;
	(void)snprintf(chores->epoch, sizeof(chores->epoch), "%s", epoch);
	for (int i = 0; i < N_CHORES; i++)
		chores->all[i].next_look_ms = 0;
}

void chores_tick(struct chores *chores)
{
	int64_t now_ms = clock_mono_ms();

	look_at_epoch(chores);
	for (int i = 0; i < N_CHORES; i++) {
		struct chore *chore = &chores->all[i];

		if (now_ms < chore->next_look_ms || atomic_load(&chores->must_stop) ||
		    atomic_exchange(&chore->is_submitted, true))
			continue;
		chore->next_look_ms = now_ms + chore->every_ms / LOOKS;
		if (!pool_submit(chores->host->pool, chores->host->background, &chore->job))
			atomic_store(&chore->is_submitted, false);
	}
}

void chores_stop(struct chores *chores)
{
	atomic_store(&chores->must_stop, true);
}

void chores_leave(struct chores *chores)
{
	neighbours_leave(&chores->neighbours);
}

void chores_free(struct chores *chores)
{
	free(chores);
}
