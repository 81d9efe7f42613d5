/* SPDX-License-Identifier: Apache-2.0 */
/* The cases as they are written, again, at once, and with fields nobody would send. */
#include "plugin_call.h"
#include "rules.h"
#include "script.h"
#include "side.h"
#include "words.h"
#include "xalloc.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_THREADS 8
#define N_ROUNDS 3
#define LONG_FIELD 60000 /* bytes */

void rule_cases(void *ctx)
{
	struct check *check = ctx;

	rules_begin(check);
	rules_need_cases(check);
	for (size_t i = 0; i < check->cases.n_plays; i++) {
		const struct play *play = &check->cases.plays[i];
		struct script_result result;
		struct pintle_inst inst;
		char rule[24];

		(void)snprintf(rule, sizeof(rule), "C%02zu", i + 1);
		if (!rules_start(check, play, &inst, rule))
			continue;
		result = script_run(&inst, play, NULL, check->template_dir);
		call_settle();
		inst_fini(&inst);
		if (result.is_as_expected)
			report_ok(rule, play->title);
		else
			report_fail(rule, "%s, line %d: %s", play->title, result.line, result.why);
	}
}

/* On one instance several times: what it kept of an earlier call it must not use. */
void rule_again(void *ctx)
{
	struct check *check = ctx;

	rules_begin(check);
	rules_need_cases(check);
	for (size_t i = 0; i < check->cases.n_plays; i++) {
		const struct play *play = &check->cases.plays[i];
		struct pintle_inst inst;

		if (!rules_start(check, play, &inst, "M01"))
			continue;
		for (int round = 0; round < N_ROUNDS; round++) {
			struct script_result result =
				script_run(&inst, play, NULL, check->template_dir);

			if (!result.is_as_expected)
				report_fail("M01", "case \"%s\" the %dth time, line %d: %s",
					    play->title, round + 1, result.line, result.why);
		}
		call_settle();
		inst_fini(&inst);
	}
}

static int64_t blocks_of_a_round(struct check *check, const struct play *play)
{
	int64_t n_before = side_n_blocks();
	struct pintle_inst inst;

	if (!rules_start(check, play, &inst, "M02"))
		return 0;
	(void)script_run(&inst, play, NULL, check->template_dir);
	call_settle();
	inst_fini(&inst);
	return side_n_blocks() - n_before;
}

/* Libraries may keep something for ever; a leak comes back every time. */
void rule_leaks(void *ctx)
{
	struct check *check = ctx;

	rules_begin(check);
	if (!side_can_refuse())
		report_skip("a sanitizer has the allocator");
	rules_need_cases(check);
	for (size_t i = 0; i < check->cases.n_plays; i++) {
		const struct play *play = &check->cases.plays[i];
		int64_t least = INT64_MAX;

		for (int round = 0; round < N_ROUNDS; round++) {
			int64_t n_blocks = blocks_of_a_round(check, play);

			least = n_blocks < least ? n_blocks : least;
		}
		if (least > 0)
			report_fail("M02", "case \"%s\" leaves %lld blocks of memory each time",
				    play->title, (long long)least);
	}
}

/* ---- Fields ---- */

static const struct {
	const char *what, *value;
} fields[] = {
	{ "absent", NULL },
	{ "empty", "" },
	{ "of one character", "0" },
	{ "with signs", "' OR 1=1 --\"<script>%s%n${HOME}\\u0000\r\n\t" },
	{ "outside of ASCII", "\xF0\x9F\x98\x80\xEF\xBC\x91\xEF\xBC\x92\xC3\xA9\xCC\x81" },
	{ "very long", NULL }, /* made below */
};

#define N_FIELDS (sizeof(fields) / sizeof(fields[0]))

/* What an op is given comes from anybody; a message to be sent comes from the host. */
static void try_field(struct check *check, struct pintle_inst *inst, const struct play *play,
		      size_t step, size_t at, const char *very_long)
{
	const char *name = play->steps[step].fields.items[at].name;
	bool is_message = strcmp(play->steps[step].words[0], "send") == 0;

	for (size_t i = 0; i < N_FIELDS; i++) {
		struct twist twist = {
			.kind = TWIST_FIELD,
			.step = step,
			.at = (int64_t)at + 1,
			.value = i + 1 == N_FIELDS ? very_long : fields[i].value,
		};
		struct script_result result;

		if (is_message && !twist.value)
			continue;
		result = script_run(inst, play, &twist, check->template_dir);
		if (result.is_as_expected && !is_message && PINTLE_IS_FAULT(result.status))
			report_fail("R01", "case \"%s\", line %d: field %s %s gave %s", play->title,
				    play->steps[step].line, name, fields[i].what,
				    words_status(result.status));
	}
}

void rule_fields(void *ctx)
{
	struct check *check = ctx;
	char *very_long = xcalloc(1, LONG_FIELD + 1);

	rules_begin(check);
	rules_need_cases(check);
	memset(very_long, '7', LONG_FIELD);
	for (size_t i = 0; i < check->cases.n_plays; i++) {
		const struct play *play = &check->cases.plays[i];
		struct pintle_inst inst;

		if (!rules_start(check, play, &inst, "R01"))
			continue;
		for (size_t j = 0; j < play->n_steps; j++)
			for (size_t k = 0; k < play->steps[j].fields.n; k++)
				try_field(check, &inst, play, j, k, very_long);
		inst_fini(&inst);
	}
	free(very_long);
}

/* ---- At once ---- */

struct crowd {
	struct check *check;
	struct pintle_inst *inst;
	const struct play *play;
	pthread_barrier_t start;
};

static void *run_in_crowd(void *arg)
{
	struct crowd *crowd = arg;

	(void)side_enter(SIDE_HOST);
	(void)pthread_barrier_wait(&crowd->start);
	for (int round = 0; round < N_ROUNDS; round++) {
		struct script_result result =
			script_run(crowd->inst, crowd->play, NULL, crowd->check->template_dir);

		if (!result.is_as_expected)
			report_fail("T01", "case \"%s\" eight times at once, line %d: %s",
				    crowd->play->title, result.line, result.why);
	}
	return NULL;
}

static bool moves_clock(const struct play *play)
{
	for (size_t i = 0; i < play->n_steps; i++) {
		if (play->steps[i].kind == STEP_CLOCK)
			return true;
	}
	return false;
}

static void run_crowd(struct crowd *crowd)
{
	pthread_t threads[N_THREADS];

	(void)pthread_barrier_init(&crowd->start, NULL, N_THREADS);
	for (int i = 0; i < N_THREADS; i++) {
		if (pthread_create(&threads[i], NULL, run_in_crowd, crowd) != 0)
			abort(); /* a machine without eight threads checks nothing */
	}
	for (int i = 0; i < N_THREADS; i++)
		(void)pthread_join(threads[i], NULL);
	(void)pthread_barrier_destroy(&crowd->start);
}

void rule_threads(void *ctx)
{
	struct check *check = ctx;

	rules_begin(check);
	rules_need_cases(check);
	for (size_t i = 0; i < check->cases.n_plays; i++) {
		const struct play *play = &check->cases.plays[i];
		struct pintle_inst inst;
		struct crowd crowd = { check, &inst, play, { { 0 } } };

		if (moves_clock(play) || !rules_start(check, play, &inst, "T01"))
			continue;
		run_crowd(&crowd);
		call_settle();
		inst_fini(&inst);
	}
}
