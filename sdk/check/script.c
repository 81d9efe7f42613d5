/* SPDX-License-Identifier: Apache-2.0 */
#include "script.h"

#include "account.h"
#include "clock.h"
#include "opt_parse.h"
#include "plugin_call.h"
#include "report.h"
#include "words.h"
#include "xalloc.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETUP_MS 5000

struct run {
	struct world *world;
	struct pintle_inst *inst;
	struct script_result *result;
};

static bool fail(struct run *run, const char *what, const char *got, const char *wanted)
{
	(void)snprintf(run->result->why, sizeof(run->result->why), "%.60s is %.150s, not %.150s",
		       what, got ? got : "missing", wanted);
	return false;
}

/* ---- What is set up ---- */

static struct tx tx_of(struct world *world)
{
	return (struct tx){ .db = world_db(world), .deadline_ms = clock_mono_ms() + SETUP_MS };
}

static bool make_account(struct run *run, const struct step *step)
{
	static const char *const types[] = { "personal", NULL };
	const struct account_settings settings = { 1, types };
	struct pintle_identity identity = { .size = sizeof(identity),
					    .is_verified = 1,
					    .ns = step->words[1],
					    .subject = step->words[2] };
	struct tx tx = tx_of(run->world);
	struct account account;
	char number[32];
	int32_t status = identity.subject ? account_create(&tx, &settings, &identity, "check", NULL,
							   NULL, &account)
					  : PINTLE_INVALID;

	if (status != PINTLE_OK)
		return fail(run, "the account", words_status(status), "ok");
	(void)snprintf(number, sizeof(number), "%lld", (long long)account.id);
	pairs_put(&run->world->accounts, step->words[0], number);
	return true;
}

static bool set_user(struct run *run, const struct step *step)
{
	const char *id = pairs_get(&run->world->accounts, step->words[0] ? step->words[0] : "");

	run->world->user = id ? strtoll(id, NULL, 10) : 0;
	return id || fail(run, "the user", "nobody", "an account of the case");
}

static bool add_answer(struct run *run, const struct step *step)
{
	struct world *world = run->world;
	const char *word = step->words[0] ? step->words[0] : "";
	int32_t fault = words_status_of(word);
	const char *body = strchr(step->rest, ' ');

	if (world->answers_are_old)
		world->n_answers = 0;
	world->answers_are_old = false;
	if (world->n_answers == WORLD_ANSWERS)
		return fail(run, "http", "one of too many answers", "one of sixteen");
	world->answers[world->n_answers].max_age_ms = 0;
	world->answers[world->n_answers].status = fault < 0 ? PINTLE_OK : fault;
	world->answers[world->n_answers].code = atoi(word);
	world->answers[world->n_answers++].body = body ? body + 1 : "";
	return true;
}

static bool set_proof(struct run *run, const struct step *step)
{
	struct world *world = run->world;
	int32_t status = step->words[0] ? words_status_of(step->words[0]) : -1;

	world->prove_status = step->words[1] ? PINTLE_OK : status;
	world->prove_ns = step->words[0];
	world->prove_subject = step->words[1];
	return step->words[1] || status >= 0 ||
	       fail(run, "prove", "nothing", "a namespace and a subject, or a status");
}

static bool run_sql(struct run *run, const struct step *step)
{
	struct tx tx = tx_of(run->world);
	int32_t status = db_exec(&tx, step->rest, DB_NO_PARAMS, NULL, NULL);

	return status == PINTLE_OK || fail(run, "the statement", words_status(status), "ok");
}

static bool read_duration(struct run *run, const char *word, const char *text, int64_t *ms_out)
{
	const struct pintle_opt opt = { .name = word, .type = PINTLE_DURATION };
	char reason[OPT_REASON_MAX];

	return opt_parse(&opt, text, ms_out, reason) ||
	       fail(run, word, "no duration", "one such as 5m");
}

static bool move_clock(struct run *run, const struct step *step)
{
	int64_t ms;

	if (!read_duration(run, "clock", step->rest, &ms))
		return false;
	world_move_clock(ms);
	return true;
}

static bool set_max_age(struct run *run, const struct step *step)
{
	struct world *world = run->world;

	if (world->n_answers == 0)
		return fail(run, "max_age", "of no answer", "below http");
	return read_duration(run, "max_age", step->rest,
			     &world->answers[world->n_answers - 1].max_age_ms);
}

/* ---- What is asked and expected ---- */

/* "$name" stands for what the story has said under that name. */
static const char *value_of(const struct run *run, const char *written)
{
	const char *said = *written == '$' ? pairs_get(&run->world->seen, written + 1) : NULL;

	return said ? said : written;
}

static struct pairs fields_of(const struct run *run, const struct step *step)
{
	const struct twist *twist = run->world->twist;
	struct pairs fields = { 0 };

	for (size_t i = 0; i < step->fields.n; i++) {
		const struct pair *pair = &step->fields.items[i];
		const char *value = value_of(run, pair->value);

		if (twist && twist->kind == TWIST_FIELD && twist->at == (int64_t)i + 1)
			value = twist->value;
		if (value)
			pairs_add(&fields, pair->name, value);
	}
	return fields;
}

static bool matches(const char *pattern, const char *text)
{
	regex_t regex;
	bool is_found;

	if (!text || regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return false;
	is_found = regexec(&regex, text, 0, NULL, 0) == 0;
	regfree(&regex);
	return is_found;
}

/* "-" expects that nothing is said under the name. */
static bool is_met(const struct run *run, const char *wanted, const char *got)
{
	if (strcmp(wanted, "-") == 0)
		return !got;
	if (*wanted == '~')
		return matches(wanted + 1 + strspn(wanted + 1, " \t"), got);
	return got && strcmp(value_of(run, wanted), got) == 0;
}

static bool check(struct run *run, const struct step *step)
{
	const struct pairs *said = call_said();

	if (step->has_status && step->status != run->result->status)
		return fail(run, step->words[0], words_status(run->result->status),
			    words_status(step->status));
	for (size_t i = 0; i < step->expected.n; i++) {
		const struct pair *wanted = &step->expected.items[i];
		const char *got = pairs_get(said, wanted->name);

		if (!is_met(run, wanted->value, got))
			return fail(run, wanted->name, got, wanted->value);
	}
	return true;
}

static bool run_call(struct run *run, const struct step *step)
{
	struct script_result *result = run->result;
	struct pairs fields = fields_of(run, step);
	bool ok = call_run(run->world, run->inst, step, &fields, &result->status, result->why);

	pairs_fini(&fields);
	result->step = step;
	result->is_met = ok && check(run, step);
	return ok && (run->world->twist || result->is_met);
}

static bool run_step(struct run *run, const struct step *step)
{
	switch (step->kind) {
	case STEP_ACCOUNT:
		return make_account(run, step);
	case STEP_USER:
		return set_user(run, step);
	case STEP_HTTP:
		return add_answer(run, step);
	case STEP_PROVE:
		return set_proof(run, step);
	case STEP_SQL:
		return run_sql(run, step);
	case STEP_CLOCK:
		return move_clock(run, step);
	case STEP_MAX_AGE:
		return set_max_age(run, step);
	case STEP_CALL:
		return run_call(run, step);
	}
	return false;
}

struct script_result script_run(struct pintle_inst *inst, const struct play *play,
				struct twist *twist, const char *template_dir)
{
	struct script_result result = { .is_as_expected = true };
	struct world world;
	struct run run = { &world, inst, &result };

	world_init(&world, inst->plugin, template_dir);
	for (size_t i = 0; i < play->n_steps && result.is_as_expected; i++) {
		const struct step *step = &play->steps[i];

		if (twist && i > twist->step)
			break;
		world.twist = twist && i == twist->step ? twist : NULL;
		report_at("case \"%.80s\", line %d: %s", play->title, step->line,
			  step->words[0] ? step->words[0] : "");
		result.is_as_expected = run_step(&run, step);
		if (!result.is_as_expected) {
			result.line = step->line;
		}
	}
	world_fini(&world);
	return result;
}

bool script_survives(const struct script_result *result, const struct twist *twist)
{
	const struct step *step = result->step;

	if (!step->has_status || step->status != result->status)
		return false;
	for (size_t i = 0; i < step->survived.n; i++) {
		const struct pair *pair = &step->survived.items[i];

		if (strcmp(pair->name, twist->service) == 0 &&
		    (strcmp(pair->value, "*") == 0 || atoi(pair->value) == twist->nth))
			return true;
	}
	return false;
}
