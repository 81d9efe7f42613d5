/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin_call.h"

#include "clock.h"
#include "fake_loop.h"
#include "report.h"
#include "secrets.h"
#include "side.h"
#include "words.h"
#include "xalloc.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PENDING_MS 5000
#define PENDING_AGAIN_MS 50 /* once it has been late the rest goes on quickly */
#define SETTLE_MS 20
#define RECORD_MS 5000
#define MAX_VARS 16

/* Calls are kept: a done() that comes too late must find one that says so. */
static struct {
	pthread_mutex_t mutex;
	struct pintle_call **items;
	size_t n;
} limbo = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static _Atomic bool has_pended;
static _Thread_local struct pintle_call *last;

const struct pairs *call_said(void)
{
	return &last->said;
}

static struct pintle_call *call_new(struct world *world, struct pintle_inst *inst,
				    const struct step *step, const struct pairs *fields)
{
	struct pintle_call *call = xcalloc(1, sizeof(*call));

	call->world = world;
	call->inst = inst;
	call->op = step->words[0];
	call->fields = fields;
	(void)pthread_mutex_init(&call->mutex, NULL);
	lent_init(&call->lent);
	(void)pthread_mutex_lock(&limbo.mutex);
	limbo.items = xrealloc(limbo.items, (limbo.n + 1) * sizeof(struct pintle_call *));
	limbo.items[limbo.n++] = call;
	(void)pthread_mutex_unlock(&limbo.mutex);
	return call;
}

/* ---- Which op ---- */

typedef int32_t send_fn(void *self, struct pintle_call *, const struct pintle_message *);

struct target {
	pintle_op *op;
	send_fn *send;
	const char *permission, *event, *json;
	const char *owner; /* of what is recorded: an account's name */
	bool is_proof;     /* OK needs a subject or an account */
};

static bool find_provider_op(const struct plugin *plugin, const char *name, struct target *out)
{
	const struct pintle_provider *provider = &plugin->provider;
	const struct {
		const char *name;
		pintle_op *op;
		bool is_proof;
	} ops[] = {
		{ "begin", provider->begin, false },
		{ "verify", provider->verify, true },
		{ "bind", provider->bind, true },
		{ "unbind", provider->unbind, false },
		{ "callback", provider->callback, false },
		{ "poll", provider->poll, false },
		{ "describe", provider->describe, false },
		{ "receipt", plugin->sender.receipt, false },
		{ "probe", plugin->sender.probe, false },
	};

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (strcmp(ops[i].name, name) == 0)
			*out = (struct target){ .op = ops[i].op, .is_proof = ops[i].is_proof };
	}
	return out->op != NULL;
}

static bool find_route(const struct plugin *plugin, const struct step *step, struct target *out,
		       int32_t *purpose_out)
{
	if (!step->words[1] || !step->words[2])
		return false;
	for (size_t i = 0; i < plugin->api.n_routes; i++) {
		const struct pintle_route *route = &plugin->routes[i];

		if (route->kind != PINTLE_TO_OP || strcmp(route->method, step->words[1]) != 0 ||
		    strcmp(route->path, step->words[2]) != 0)
			continue;
		*out = (struct target){ .op = route->op };
		*purpose_out = route->purpose;
		return true;
	}
	return false;
}

static bool find_target(const struct plugin *plugin, const struct step *step, struct target *out,
			int32_t *purpose_out)
{
	const char *name = step->words[0];

	*out = (struct target){ 0 };
	*purpose_out = step->words[1] ? words_purpose_of(step->words[1]) : PINTLE_LOGIN;
	if (strcmp(name, "op") == 0)
		return find_route(plugin, step, out, purpose_out);
	if (strcmp(name, "send") == 0)
		out->send = plugin->sender.send;
	else if (strcmp(name, "authorize") == 0)
		out->permission = plugin->authorizer.authorize ? step->words[1] : NULL;
	else if (strcmp(name, "event") == 0)
		out->event = plugin->listener.event ? step->words[1] : NULL;
	else if (strcmp(name, "record") == 0 || strcmp(name, "release") == 0)
		out->owner = plugin->provider.record ? step->words[1] : NULL;
	else if (*purpose_out < 0)
		return false;
	else
		return find_provider_op(plugin, name, out);
	out->json = step->words[2] ? step->words[2] : "{}";
	if (out->owner)
		*purpose_out = step->words[2] ? words_purpose_of(step->words[2]) : PINTLE_LOGIN;
	return out->send || out->permission || out->event || out->owner;
}

/* ---- Running it ---- */

/* The fields of a send step are the message's; "var.x" are its variables. */
static int32_t run_send(const struct target *target, struct pintle_call *call)
{
	const struct pairs *fields = call->fields;
	const char **vars = lent_alloc(&call->lent, (2 * MAX_VARS + 1) * sizeof(*vars));
	struct pintle_message *message = lent_alloc(&call->lent, sizeof(*message));
	const char *purpose = pairs_get(fields, "purpose");
	size_t n = 0;

	for (size_t i = 0; i < fields->n && n < MAX_VARS; i++) {
		if (strncmp(fields->items[i].name, "var.", 4) != 0)
			continue;
		vars[2 * n] = lent_text(&call->lent, fields->items[i].name + 4);
		vars[2 * n++ + 1] = lent_text(&call->lent, fields->items[i].value);
	}
	*message = (struct pintle_message){
		.size = sizeof(*message),
		.purpose = purpose ? words_purpose_of(purpose) : PINTLE_LOGIN,
		.to = lent_text(&call->lent, pairs_get(fields, "to")),
		.template_name = lent_text(&call->lent, pairs_get(fields, "template")),
		.vars = vars,
		.subject = lent_text(&call->lent, pairs_get(fields, "subject")),
		.text = lent_text(&call->lent, pairs_get(fields, "text")),
		.html = lent_text(&call->lent, pairs_get(fields, "html")),
		.lang = lent_text(&call->lent, pairs_get(fields, "lang")),
	};
	(void)side_enter(SIDE_PLUGIN);
	return target->send(call->inst->self, call, message);
}

/* In a transaction, which is the host's to end: what it does not like leaves nothing behind. */
static int32_t run_record(const struct target *target, struct pintle_call *call)
{
	const char *id = pairs_get(&call->world->accounts, target->owner);
	int32_t status;

	call->tx.db = world_db(call->world);
	call->tx.deadline_ms = clock_mono_ms() + RECORD_MS;
	status = id ? db_begin(&call->tx) : PINTLE_NOT_FOUND;
	if (status != PINTLE_OK)
		return status;
	(void)side_enter(SIDE_PLUGIN);
	status = call->inst->plugin->provider.record(call->inst->self, call, atoll(id),
						     strcmp(call->op, "record") == 0);
	(void)side_enter(SIDE_HOST);
	if (status == PINTLE_OK)
		return db_commit(&call->tx);
	db_rollback(&call->tx);
	return status;
}

static int32_t enter_plugin(const struct target *target, struct pintle_call *call)
{
	const struct plugin *plugin = call->inst->plugin;

	if (target->send)
		return run_send(target, call);
	if (target->owner)
		return run_record(target, call);
	if (strcmp(call->op, "poll") == 0)
		call->flow = FLOW_TO_CHANGE;
	(void)side_enter(SIDE_PLUGIN);
	if (target->op)
		return target->op(call->inst->self, call);
	if (target->permission)
		return plugin->authorizer.authorize(call->inst->self, call, call->world->user,
						    target->permission);
	plugin->listener.event(call->inst->self, target->event, target->json);
	return PINTLE_OK;
}

static bool is_over(struct pintle_call *call)
{
	bool is_over;

	(void)pthread_mutex_lock(&call->mutex);
	is_over = call->state == CALL_OVER;
	(void)pthread_mutex_unlock(&call->mutex);
	return is_over;
}

static int32_t wait_for_done(struct pintle_call *call)
{
	static _Atomic bool was_late;
	bool is_known = was_late || report_has_failed("D01");
	int64_t end_ms = clock_mono_ms() + (is_known ? PENDING_AGAIN_MS : PENDING_MS);

	while (!is_over(call)) {
		(void)fake_loop_turn(1);
		if (clock_mono_ms() < end_ms)
			continue;
		was_late = true;
		report_fail("D01", "%s: it answers PENDING and never calls done()", call->op);
		return PINTLE_TIMEOUT;
	}
	return call->done_status;
}

/* What the op returned becomes its last word, at once or by done(). */
static int32_t conclude(struct pintle_call *call, int32_t status)
{
	bool is_early;

	(void)pthread_mutex_lock(&call->mutex);
	is_early = call->n_done > 0;
	call->state = status == PINTLE_PENDING && !is_early ? CALL_PENDING : CALL_OVER;
	(void)pthread_mutex_unlock(&call->mutex);
	if (status != PINTLE_PENDING && is_early)
		report_fail("D01", "%s: it calls done() and answers %s too", call->op,
			    words_status(status));
	if (status != PINTLE_PENDING)
		return status;
	atomic_store(&has_pended, true);
	return is_early ? call->done_status : wait_for_done(call);
}

static bool is_twisted(const struct world *world)
{
	return world->twist && world->twist->has_come;
}

/* What must hold whatever the case expects. */
static void judge(struct pintle_call *call, const struct target *target, int32_t status)
{
	const struct pairs *said = &call->said;
	const struct plugin *plugin = call->inst->plugin;
	bool is_named = pairs_get(said, "subject") || pairs_get(said, "account");

	if (!words_is_final(status) || status == PINTLE_PENDING)
		report_fail("V01", "%s: it ends in %d, which is no status to end in", call->op,
			    status);
	if (call->tx.open && !is_twisted(call->world))
		report_fail("X01", "%s: it leaves a transaction open", call->op);
	if (target->is_proof && status == PINTLE_OK && !is_named)
		report_fail("V01", "%s: it answers OK and names nobody", call->op);
	if (target->op && status == PINTLE_INVALID && !pairs_get(said, "invalid"))
		report_fail("V03", "%s: it answers INVALID without a field", call->op);
	if (strcmp(call->op, "verify") == 0 && status == PINTLE_OK && !call->has_target &&
	    plugin->provider.flags & PINTLE_DIRECT && call->world->kept.n == 0)
		report_fail("V02", "verify: it succeeds without having named its target");
}

static void note_secrets(struct world *world, const struct pairs *fields)
{
	for (size_t i = 0; i < fields->n; i++) {
		if (strcmp(fields->items[i].name, "template") != 0)
			secrets_add(&world->secrets, "what a person has sent",
				    fields->items[i].value);
	}
}

bool call_run(struct world *world, struct pintle_inst *inst, const struct step *step,
	      const struct pairs *fields, int32_t *status_out, char why[256])
{
	struct twist *twist = world->twist;
	struct pintle_call *call;
	struct target target;
	int32_t status, purpose;

	if (!find_target(inst->plugin, step, &target, &purpose)) {
		(void)snprintf(why, 256, "the plugin has no such op");
		return false;
	}
	call = call_new(world, inst, step, fields);
	call->purpose = purpose;
	last = call;
	note_secrets(world, fields);
	pairs_fini(&world->n_calls);
	world->n_services = 0;
	world->n_answered = 0;
	world->answers_are_old = true;
	service_set_call(call);
	if (twist && twist->kind == TWIST_REFUSED)
		side_refuse(twist->at);
	status = enter_plugin(&target, call);
	(void)side_enter(SIDE_HOST);
	service_set_call(NULL);
	status = conclude(call, status);
	if (twist && twist->kind == TWIST_REFUSED) {
		twist->has_come = side_has_refused();
		side_refuse(0);
	}
	judge(call, &target, status);
	db_rollback(&call->tx);
	lent_end(&call->lent);
	*status_out = status;
	return true;
}

void call_settle(void)
{
	int64_t end_ms = clock_mono_ms() + SETTLE_MS;

	while (atomic_load(&has_pended) && clock_mono_ms() < end_ms)
		(void)fake_loop_turn(5);
}
