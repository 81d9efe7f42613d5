/* SPDX-License-Identifier: Apache-2.0 */
/* The services an instance has without a call: its log, its place, its loop, what it says of itself. */
#include "fake_loop.h"
#include "report.h"
#include "secrets.h"
#include "side.h"
#include "utf8.h"
#include "world.h"

#include <arpa/inet.h>
#include <string.h>

static void log_text(struct pintle_inst *inst, int32_t level, const char *text)
{
	struct pintle_call *call = service_call();
	enum side before = side_enter(SIDE_HOST); /* the driver of the tree logs too */

	if (level < PINTLE_LOG_ERROR || level > PINTLE_LOG_DEBUG || !text || !utf8_is_valid(text))
		report_fail("X02", "log() is given no level or no text");
	else
		secrets_look(&inst->secrets, text, "an instance", "log()");
	if (call && text)
		secrets_look(&call->world->secrets, text, call->op, "log()");
	(void)side_enter(before);
}

static const char *inst_name(struct pintle_inst *inst)
{
	return inst->name;
}

static const char *state_dir(struct pintle_inst *inst)
{
	return inst->dir;
}

static int32_t is_development(struct pintle_inst *inst)
{
	(void)inst;
	return 1;
}

/* Nothing is asked of a network. */
static int32_t resolve(struct pintle_inst *inst, const char *name, int64_t timeout_ms, char *out,
		       size_t out_len)
{
	int32_t status = service_enter(service_call(), "resolve");
	struct in6_addr address;
	const char *found = name;

	(void)inst;
	(void)timeout_ms;
	if (strcmp(name, "localhost") == 0)
		found = "127.0.0.1";
	else if (!inet_pton(AF_INET, name, &address) && !inet_pton(AF_INET6, name, &address))
		found = NULL;
	if (status == PINTLE_OK && (!found || snprintf(out, out_len, "%s", found) >= (int)out_len))
		status = PINTLE_NOT_FOUND;
	return service_leave(status);
}

/* ---- What it says of itself ---- */

static bool is_declared(const struct plugin *plugin, const char *ns)
{
	const char *const *at = plugin->desc.provider ? plugin->provider.namespaces : NULL;

	for (; at && *at; at++) {
		size_t len = strlen(*at);
		bool is_open = len > 0 && (*at)[len - 1] == '*';

		if (is_open ? strncmp(*at, ns, len - 1) == 0 : strcmp(*at, ns) == 0)
			return true;
	}
	return false;
}

bool inst_owns(const struct pintle_inst *inst, const char *ns)
{
	return inst->named.n > 0 ? pairs_get(&inst->named, ns) != NULL
				 : is_declared(inst->plugin, ns);
}

bool inst_vouches(const struct pintle_inst *inst, const char *ns)
{
	return pairs_get(&inst->vouched, ns) != NULL;
}

static bool take_text(struct pintle_inst *inst, const char *text)
{
	if (!text)
		return true;
	secrets_look(&inst->secrets, text, "open", "describe_instance()");
	if (!utf8_is_valid(text))
		report_fail("X02", "open: describe_instance is given a text that is not UTF-8");
	return utf8_is_valid(text);
}

static bool is_exact(const char *ns)
{
	size_t len = strlen(ns);

	return len > 0 && ns[len - 1] != '*';
}

static bool take_namespace(struct pintle_inst *inst, const char *ns)
{
	if (!take_text(inst, ns))
		return false;
	if (!is_exact(ns) || !is_declared(inst->plugin, ns)) {
		report_fail("I03", "open: \"%s\" is no exact namespace of those it declares", ns);
		return false;
	}
	pairs_put(&inst->named, ns, "");
	return true;
}

static bool take_vouched(struct pintle_inst *inst, const char *ns)
{
	if (!take_text(inst, ns))
		return false;
	if (!is_exact(ns)) {
		report_fail("I03", "open: \"%s\" is no exact namespace to vouch for", ns);
		return false;
	}
	pairs_put(&inst->vouched, ns, "");
	return true;
}

static int32_t take_description(struct pintle_inst *inst, const struct pintle_description *given)
{
	bool ok = take_text(inst, given->label_zh) && take_text(inst, given->label_en);

	pairs_fini(&inst->named);
	pairs_fini(&inst->vouched);
	for (const char *const *ns = given->namespaces; ok && ns && *ns; ns++)
		ok = take_namespace(inst, *ns);
	for (const char *const *ns = given->vouches; ok && ns && *ns; ns++)
		ok = take_vouched(inst, *ns);
	return ok ? PINTLE_OK : PINTLE_INVALID;
}

static int32_t describe_instance(struct pintle_inst *inst, const struct pintle_description *given)
{
	enum side before = side_enter(SIDE_HOST);
	int32_t status = PINTLE_INTERNAL;

	if (!inst->is_opening)
		report_fail("I03", "describe_instance is used after open");
	else if (given->size < sizeof(*given))
		report_fail("X02",
			    "open: what is given to describe_instance has a size of %u, "
			    "not %zu",
			    given->size, sizeof(*given));
	else
		status = take_description(inst, given);
	(void)side_enter(before);
	return status;
}

void services_fill_inst(struct pintle_host *table)
{
	table->log = log_text;
	table->inst_name = inst_name;
	table->state_dir = state_dir;
	table->is_development = is_development;
	table->watch = fake_loop_watch;
	table->timer = fake_loop_timer;
	table->every = fake_loop_every;
	table->resolve = resolve;
	table->describe_instance = describe_instance;
}
