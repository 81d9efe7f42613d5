/* SPDX-License-Identifier: Apache-2.0 */
#include "limbo.h"

#include "call.h"
#include "host.h"
#include "log.h"
#include "metrics.h"

#include <pthread.h>
#include <stdlib.h>

#define CALLS_MAX 1024

static struct {
	pthread_mutex_t lock;
	struct pintle_call *oldest, *newest;
	size_t n_calls;
} limbo = { .lock = PTHREAD_MUTEX_INITIALIZER };

void limbo_take(struct pintle_call *call)
{
	struct pintle_call *out = NULL;

	(void)pthread_mutex_lock(&limbo.lock);
	call->next = NULL;
	if (limbo.newest)
		limbo.newest->next = call;
	else
		limbo.oldest = call;
	limbo.newest = call;
	if (++limbo.n_calls > CALLS_MAX) {
		out = limbo.oldest;
		limbo.oldest = out->next;
		limbo.n_calls--;
	}
	(void)pthread_mutex_unlock(&limbo.lock);
	free(out);
}

/* The lock orders this thread, which is the plugin's own, before the end of the worker. */
void limbo_note_late(const struct pintle_call *call)
{
	(void)pthread_mutex_lock(&limbo.lock);
	metrics_count(call->host->self, METRIC_LATE_COMPLETIONS, 1);
	log_warn("%s: done() for a call that is over", call->inst->name);
	(void)pthread_mutex_unlock(&limbo.lock);
}

void limbo_free_all(void)
{
	(void)pthread_mutex_lock(&limbo.lock);
	while (limbo.oldest) {
		struct pintle_call *call = limbo.oldest;

		limbo.oldest = call->next;
		free(call);
	}
	limbo.newest = NULL;
	limbo.n_calls = 0;
	(void)pthread_mutex_unlock(&limbo.lock);
}
