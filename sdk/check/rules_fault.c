/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that can fail around an op fails, one thing at a time. */
#include "plugin_call.h"
#include "rules.h"
#include "script.h"
#include "side.h"
#include "words.h"

#include <stdio.h>
#include <string.h>

#define TWISTS_MAX 2000 /* of one step; no op does that much */

typedef void judge_fn(const struct play *play, const struct script_result *result,
		      const struct twist *twist);

/* Each call step of each case with the twist at 1, 2, 3 … until it does not come any more. */
static void for_each(struct check *check, struct twist twist, const char *rule, judge_fn *judge)
{
	rules_need_cases(check);
	for (size_t i = 0; i < check->cases.n_plays; i++) {
		const struct play *play = &check->cases.plays[i];
		struct pintle_inst inst;

		if (!rules_start(check, play, &inst, rule))
			continue;
		for (twist.step = 0; twist.step < play->n_steps; twist.step++) {
			if (play->steps[twist.step].kind != STEP_CALL)
				continue;
			for (int64_t at = 1; at < TWISTS_MAX; at++) {
				struct twist one = twist;
				struct script_result result;

				one.at = at;
				result = script_run(&inst, play, &one, check->template_dir);
				if (!one.has_come)
					break;
				judge(play, &result, &one);
			}
		}
		call_settle();
		inst_fini(&inst);
	}
}

static void must_be_fault(const char *rule, const struct play *play,
			  const struct script_result *result, const struct twist *twist,
			  const char *what)
{
	if (PINTLE_IS_FAULT(result->status) || script_survives(result, twist))
		return;
	report_fail(rule, "case \"%s\", line %d, %s: %s#%d %s gave %s", play->title,
		    result->step->line, result->step->words[0], twist->service, twist->nth, what,
		    words_status(result->status));
}

static void judge_fault(const struct play *play, const struct script_result *result,
			const struct twist *twist)
{
	must_be_fault("F01", play, result, twist, "failing");
}

void rule_faults(void *ctx)
{
	struct check *check = ctx;

	rules_begin(check);
	for_each(check, (struct twist){ .kind = TWIST_FAULT }, "F01", judge_fault);
}

static void judge_late(const struct play *play, const struct script_result *result,
		       const struct twist *twist)
{
	must_be_fault("D02", play, result, twist, "past the deadline");
}

void rule_deadline(void *ctx)
{
	struct check *check = ctx;

	rules_begin(check);
	for_each(check, (struct twist){ .kind = TWIST_LATE }, "D02", judge_late);
}

/* ---- Memory ---- */

static void judge_memory(const struct play *play, const struct script_result *result,
			 const struct twist *twist)
{
	struct twist named = *twist;

	if (result->status == PINTLE_OK && result->is_met)
		return; /* libc has ways around some failures */
	(void)snprintf(named.service, sizeof(named.service), "malloc");
	named.nth = (int)twist->at;
	must_be_fault("F02", play, result, &named, "failing");
}

static int64_t blocks_of(struct check *check, struct pintle_inst *inst, const struct play *play,
			 struct twist twist)
{
	int64_t n_before = side_n_blocks();

	(void)script_run(inst, play, &twist, check->template_dir);
	return side_n_blocks() - n_before;
}

/* What an allocation that fails leaves behind; a library's first error may cost it something once. */
static void look_for_leaks(struct check *check, const struct play *play, size_t step)
{
	struct twist twist = { .kind = TWIST_REFUSED, .step = step };
	struct pintle_inst inst;

	if (!rules_start(check, play, &inst, "M02"))
		return;
	for (twist.at = 1; twist.at < TWISTS_MAX; twist.at++) {
		struct twist one = twist;
		int64_t n_blocks = 0;

		(void)script_run(&inst, play, &one, check->template_dir);
		if (!one.has_come)
			break;
		if (blocks_of(check, &inst, play, twist) > 0)
			n_blocks = blocks_of(check, &inst, play, twist);
		if (n_blocks > 0)
			report_fail("M02",
				    "case \"%s\", line %d: allocation %lld failing leaves "
				    "%lld blocks",
				    play->title, play->steps[step].line, (long long)twist.at,
				    (long long)n_blocks);
	}
	inst_fini(&inst);
}

void rule_memory(void *ctx)
{
	struct check *check = ctx;

	rules_begin(check);
	if (!side_can_refuse())
		report_skip("a sanitizer has the allocator");
	for_each(check, (struct twist){ .kind = TWIST_REFUSED }, "F02", judge_memory);
	for (size_t i = 0; i < check->cases.n_plays; i++)
		for (size_t j = 0; j < check->cases.plays[i].n_steps; j++)
			if (check->cases.plays[i].steps[j].kind == STEP_CALL)
				look_for_leaks(check, &check->cases.plays[i], j);
}

/* ---- Upstreams ---- */

static void judge_answer(const struct play *play, const struct script_result *result,
			 const struct twist *twist)
{
	bool is_message = strcmp(result->step->words[0], "send") == 0;
	struct twist named = *twist;

	(void)snprintf(named.service, sizeof(named.service), "http");
	named.nth = (int)twist->at;
	if (PINTLE_IS_FAULT(result->status) || script_survives(result, &named))
		return;
	/* A gateway may say with its status alone that it has taken the message. */
	if (result->status == PINTLE_OK && is_message)
		return;
	if (PINTLE_IS_DENIAL(result->status) && result->step->status != PINTLE_OK)
		return;
	report_fail("H01", "case \"%s\", line %d: an answer that makes no sense gave %s",
		    play->title, result->step->line, words_status(result->status));
}

void rule_answers(void *ctx)
{
	static const char *const bodies[] = {
		"",     "{",
		"[]",   "null",
		"\xFF", "<html>502</html>",
		"{}",   "{\"access_token\":[{\"a\":1e999}],\"result\":{\"code\":-1}}",
	};
	struct check *check = ctx;

	rules_begin(check);
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		for_each(check, (struct twist){ .kind = TWIST_ANSWER, .value = bodies[i] }, "H01",
			 judge_answer);
}

/* ---- Senders: whether another gateway may be tried hangs on it ---- */

static void judge_sender(const struct play *play, const struct script_result *result,
			 const struct twist *twist)
{
	bool is_unclear = twist->kind == TWIST_LATE;

	if (strcmp(result->step->words[0], "send") != 0 || strcmp(twist->service, "http") != 0)
		return;
	if (is_unclear && result->status != PINTLE_TIMEOUT)
		report_fail("N01", "case \"%s\": http may have gone out, and send gave %s",
			    play->title, words_status(result->status));
	if (!is_unclear && result->status == PINTLE_TIMEOUT)
		report_fail("N01", "case \"%s\": http surely failed, and send gave timeout",
			    play->title);
}

void rule_sender(void *ctx)
{
	struct check *check = ctx;
	const char *channel;

	rules_begin(check);
	if (!check->plugin.desc.sender)
		report_skip("it is no sender");
	channel = check->plugin.sender.channel;
	if (strcmp(channel, "sms") != 0 && strcmp(channel, "mail") != 0)
		report_fail("N01", "its channel is %s, not sms or mail", channel);
	for_each(check, (struct twist){ .kind = TWIST_LATE }, "N01", judge_sender);
	for_each(check, (struct twist){ .kind = TWIST_FAULT }, "N01", judge_sender);
}
