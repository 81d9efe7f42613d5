/* SPDX-License-Identifier: Apache-2.0 */
#include "succession.h"

#include "clock.h"
#include "log.h"

#include <signal.h>
#include <stdio.h>

/* A worker ends its drain itself; one that does not is killed this much later. */
#define KILL_GRACE_MS 5000

size_t succession_n_leaving(const struct succession *s)
{
	size_t n = 0;

	for (const struct generation *g = s->all; g; g = g->next)
		n += g->is_leaving;
	return n;
}

static void leave(struct succession *s, struct generation *generation, int signal)
{
	generation->is_leaving = true;
	generation->kill_at_ms =
		clock_mono_ms() + generation->settings.server.drain_timeout_ms + KILL_GRACE_MS;
	crew_signal(&s->crew, generation, signal);
}

void succession_note_reload(struct succession *s, bool is_good, const char *text)
{
	struct board *board = s->crew.board;

	(void)snprintf(board->last_reload, sizeof(board->last_reload), "%s", text);
	atomic_store(&board->is_last_reload_good, is_good);
	atomic_fetch_add(&board->n_reloads, 1);
	if (is_good)
		log_info("reload: %s", text);
	else
		log_error("reload refused, nothing changes: %s", text);
}

void succession_fail(struct succession *s, const struct err *err)
{
	struct generation *failed = s->starting;

	s->starting = NULL;
	leave(s, failed, SIGTERM);
	if (s->current) {
		succession_note_reload(s, false, err->text);
		return;
	}
	s->err = *err;
	s->has_failed = true;
}

static void promote(struct succession *s)
{
	struct generation *before = s->current;
	struct board *board = s->crew.board;
	char text[64];

	s->current = s->starting;
	s->starting = NULL;
	atomic_store(&board->generation, s->current->number);
	atomic_store(&board->n_workers, (int32_t)s->current->n_workers);
	log_init("supervisor", (enum log_level)s->current->settings.log.level);
	if (before) {
		leave(s, before, SIGQUIT);
		(void)snprintf(text, sizeof(text), "generation %d serves", s->current->number);
		succession_note_reload(s, true, text);
	} else {
		const struct listener *first = &s->current->listeners.items[0];
		char url[LISTENER_URL_MAX];

		listener_url(first->fd, first->is_tls, url);
		printf("ready %s\n", url);
		(void)fflush(stdout); /* a reader that has gone is no reason to end */
	}
}

bool succession_begin(struct succession *s, struct snapshot *snapshot, struct err *err)
{
	struct generation *generation = generation_new(snapshot, s->current, err);

	if (!generation)
		return false;
	if (s->all)
		generation->number = s->all->number + 1; /* also after one that failed */
	generation_name_instances(s->crew.board, &generation->snapshot.conf);
	generation->next = s->all;
	s->all = s->starting = generation;
	return true;
}

static void free_finished(struct succession *s)
{
	struct generation **at = &s->all;

	while (*at) {
		struct generation *generation = *at;

		if (generation->is_leaving && crew_count(&s->crew, generation, false) == 0) {
			*at = generation->next;
			generation_free(generation);
		} else {
			at = &generation->next;
		}
	}
}

static void reap(struct succession *s)
{
	const struct generation *of;
	bool was_ready = false;
	struct err err;

	while ((of = crew_reap(&s->crew, &was_ready))) {
		if (of != s->starting || was_ready)
			continue;
		(void)err_set(&err, "a worker died before it served");
		succession_fail(s, &err);
	}
}

static void kill_overdue(struct succession *s)
{
	for (struct generation *g = s->all; g; g = g->next) {
		if (!g->is_leaving || clock_mono_ms() < g->kill_at_ms)
			continue;
		log_warn("generation %d does not end: killed", g->number);
		crew_signal(&s->crew, g, SIGKILL);
		g->kill_at_ms = INT64_MAX;
	}
}

bool succession_is_calm(const struct succession *s)
{
	return s->current && !s->starting && succession_n_leaving(s) == 0 &&
	       crew_count(&s->crew, s->current, false) == s->current->n_workers;
}

void succession_tend(struct succession *s)
{
	reap(s);
	if (s->current)
		crew_fill(&s->crew, s->current);
	if (s->starting)
		crew_fill(&s->crew, s->starting);
	if (s->starting && crew_count(&s->crew, s->starting, true) == s->starting->n_workers)
		promote(s);
	kill_overdue(s);
	free_finished(s);
}

void succession_hear(struct succession *s, int slot)
{
	const struct generation *of = s->crew.members[slot].generation;
	struct err err;

	if (s->crew.members[slot].pid == 0)
		return;
	if (!crew_hear(&s->crew, slot, &err) && of == s->starting)
		succession_fail(s, &err);
}

void succession_end(struct succession *s)
{
	s->current = s->starting = NULL;
	for (struct generation *g = s->all; g; g = g->next) {
		leave(s, g, SIGTERM);
		listeners_shut(&g->listeners);
	}
}

void succession_free_others(struct succession *s, const struct generation *own)
{
	while (s->all) {
		struct generation *generation = s->all;

		s->all = generation->next;
		if (generation != own)
			generation_free(generation);
	}
}
