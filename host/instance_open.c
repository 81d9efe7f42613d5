/* SPDX-License-Identifier: Apache-2.0 */
/* An instance while it runs: opened, in service or kept out of it, closed. */
#include "host.h"
#include "plugin_guard.h"

#include <pintle/status.h>

#define OPEN_REASON_MAX 256

/* What came of open besides its status. */
struct opening {
	char why[OPEN_REASON_MAX]; /* the plugin's reason */
	struct err refused;        /* the host's own, whatever the plugin made of it */
	const char *changed;       /* what it has done to the process */
};

/* Runs open and gives its status; with an eye on what it does to the process. */
static int32_t open_watched(struct pintle_inst *inst, const struct pintle_host *services,
			    struct opening *opening)
{
	struct plugin_guard before, after;
	int32_t status;

	plugin_guard_take(&before);
	inst->opening = &opening->refused;
	status = inst->plugin->desc.open(services, inst, inst->conf, &inst->self, opening->why,
					 OPEN_REASON_MAX);
	inst->opening = NULL;
	plugin_guard_take(&after);
	opening->changed = plugin_guard_differs(&before, &after);
	opening->why[OPEN_REASON_MAX - 1] = '\0';
	if (status != PINTLE_OK)
		inst->self = NULL;
	return status;
}

bool instance_open(struct pintle_inst *inst, const struct pintle_host *services, struct err *err)
{
	struct opening opening = { .why = "" };
	struct conf_place place = conf_place_of(inst->section, inst->name, NULL);
	int32_t status = PINTLE_OK;

	inst->plain = (struct pintle_plain){ services, inst, inst->conf };
	inst->self = &inst->plain;
	if (inst->plugin->desc.open)
		status = open_watched(inst, services, &opening);
	if (*opening.refused.text)
		return conf_fail(err, &place, "%s", opening.refused.text);
	return (status == PINTLE_OK && !opening.changed) ||
	       conf_fail(err, &place, "plugin %s.so: %s%s", inst->plugin->name,
			 opening.changed ? "opening it changes " : "cannot open: ",
			 opening.changed ? opening.changed
					 : (*opening.why ? opening.why : "it gives no reason"));
}

void instance_close(struct pintle_inst *inst)
{
	if (!inst->self)
		return;
	if (inst->plugin->desc.close)
		inst->plugin->desc.close(inst->self);
	inst->self = NULL;
}

bool instance_is_up(const struct pintle_inst *inst)
{
	const struct board *board = inst->host->board;

	return inst->self && !atomic_load(&board->instances[inst->board_index].is_quarantined);
}

bool instance_has_begin(const struct pintle_inst *inst)
{
	return inst->plugin->provider.begin && !inst->description.has_no_begin;
}
