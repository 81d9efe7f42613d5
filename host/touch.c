/* SPDX-License-Identifier: Apache-2.0 */
#include "touch.h"

#include "clock.h"
#include "host.h"

#include <stdlib.h>

struct touch {
	struct job job; /* first: what the pool runs */
	struct host *host;
	struct session session;
};

static void touch_session(struct job *job)
{
	struct touch *touch = (struct touch *)job;
	struct host *host = touch->host;
	struct tx tx = { .db = &host->db,
			 .deadline_ms = clock_mono_ms() + host->settings->storage.timeout_ms };

	(void)session_touch(&host->kv, &tx, &touch->session, clock_now_ms()); /* next time, then */
	free(touch);
}

void touch_when_due(struct host *host, const struct session *session)
{
	struct touch *touch;

	if (clock_now_ms() - session->last_active_ms < host->settings->session.touch_interval_ms)
		return;
	touch = calloc(1, sizeof(*touch));
	if (!touch)
		return;
	touch->job.run = touch_session;
	touch->host = host;
	touch->session = *session;
	if (!pool_submit(host->pool, host->background, &touch->job))
		free(touch);
}
