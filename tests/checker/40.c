/* SPDX-License-Identifier: Apache-2.0 */
/* A store that answers on a later turn of the loop. */
#include "inner.h"

#include <stdlib.h>
#include <string.h>

#define MAX_UNDER_WAY 512

struct asked {
	pintle_kv_done *done;
	void *ctx;
	struct pintle_kv_answer answer;
};

static const struct pintle_host *loop_host;
static struct pintle_inst *loop_inst;
static struct asked asked[MAX_UNDER_WAY];
static size_t n_asked;

static void keep(void *ctx, const struct pintle_kv_answer *answer)
{
	struct asked *one = ctx;

	one->answer = *answer;
	one->answer.value = NULL;
	if (!answer->value)
		return;
	one->answer.value = malloc(answer->value_len + 1);
	if (one->answer.value)
		memcpy((void *)(uintptr_t)one->answer.value, answer->value, answer->value_len);
}

static void answer_all(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < n_asked; i++) {
#ifdef FIXED
		const struct asked *asker = &asked[i];
#else
		const struct asked *asker = &asked[n_asked - 1 - i];
#endif

		asker->done(asker->ctx, &asked[i].answer);
		free((void *)(uintptr_t)asked[i].answer.value);
	}
	n_asked = 0;
}

static void submit(void *self, const struct pintle_kv_request *request, pintle_kv_done *done,
		   void *ctx)
{
	struct asked *one = &asked[n_asked];

	if (n_asked == MAX_UNDER_WAY ||
	    (n_asked == 0 && loop_host->timer(loop_inst, 0, answer_all, NULL) != PINTLE_OK)) {
		done(ctx, &(struct pintle_kv_answer){ .size = sizeof(struct pintle_kv_answer),
						      .status = PINTLE_BUSY });
		return;
	}
	*one = (struct asked){ .done = done, .ctx = ctx };
	inner()->kv->submit(self, request, keep, one);
	n_asked++;
}

static int32_t open_on_loop(const struct pintle_host *host, struct pintle_inst *inst,
			    const void *conf, void **self_out, char *err, size_t err_len)
{
	loop_host = host;
	loop_inst = inst;
	return open_inner(host, inst, conf, self_out, err, err_len);
}

#define OPEN open_on_loop
#define FLAGS 0
#include "inner_kv.h"
