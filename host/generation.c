/* SPDX-License-Identifier: Apache-2.0 */
#include "generation.h"

#include "xalloc.h"

#include <stdlib.h>
#include <unistd.h>

/* So that two generations find a slot each. */
#define WORKERS_MAX (BOARD_WORKERS / 2)

static size_t count_workers(const struct settings *settings)
{
	int64_t n = settings->server.workers;

	if (n == 0)
		n = sysconf(_SC_NPROCESSORS_ONLN);
	if (n > WORKERS_MAX)
		n = WORKERS_MAX;
	return n > 0 ? (size_t)n : 1;
}

struct generation *generation_new(struct snapshot *snapshot, const struct generation *before,
				  struct err *err)
{
	struct generation *generation = xcalloc(1, sizeof(*generation));

	generation->snapshot = *snapshot;
	*snapshot = (struct snapshot){ 0 };
	generation->number = before ? before->number + 1 : 1;
	if (!settings_bind(&generation->settings, &generation->snapshot.conf, err) ||
	    !listeners_open(&generation->listeners, &generation->settings.server,
			    before ? &before->listeners : NULL, err)) {
		generation_free(generation);
		return NULL;
	}
	generation->n_workers = count_workers(&generation->settings);
	return generation;
}

void generation_free(struct generation *generation)
{
	if (!generation)
		return;
	listeners_close(&generation->listeners);
	settings_fini(&generation->settings);
	snapshot_fini(&generation->snapshot);
	free(generation);
}

void generation_name_instances(struct board *board, const struct conf *conf)
{
	for (size_t i = 0; i < conf->n_sections; i++) {
		if (!settings_table(conf->sections[i].name))
			(void)board_instance(board, conf->sections[i].name);
	}
}
