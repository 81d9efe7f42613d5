/* SPDX-License-Identifier: Apache-2.0 */
/* An instance while it runs: opened, in service or kept out of it, closed. */
#include "host.h"
#include "plugin_guard.h"

#include <pintle/status.h>

#define OPEN_REASON_MAX 256

/* Runs open and gives its status; with an eye on what it does to the process. */
static int32_t open_watched(struct pintle_inst *inst, const struct pintle_host *services,
			    char why[OPEN_REASON_MAX], const char **changed_out)
{
	struct plugin_guard before, after;
	int32_t status;

	plugin_guard_take(&before);
	status = inst->plugin->desc.open(services, inst, inst->conf, &inst->self, why,
					 OPEN_REASON_MAX);
	plugin_guard_take(&after);
	*changed_out = plugin_guard_differs(&before, &after);
	why[OPEN_REASON_MAX - 1] = '\0';
	if (status != PINTLE_OK)
		inst->self = NULL;
	return status;
}

bool instance_open(struct pintle_inst *inst, const struct pintle_host *services, struct err *err)
{
	char why[OPEN_REASON_MAX] = "";
	const char *changed = NULL;
	struct conf_place place = conf_place_of(inst->section, inst->name, NULL);
	int32_t status = PINTLE_OK;

	inst->plain = (struct pintle_plain){ services, inst, inst->conf };
	inst->self = &inst->plain;
	if (inst->plugin->desc.open)
		status = open_watched(inst, services, why, &changed);
	return (status == PINTLE_OK && !changed) ||
	       conf_fail(err, &place, "plugin %s.so: %s%s", inst->plugin->name,
			 changed ? "opening it changes " : "cannot open: ",
			 changed ? changed : (*why ? why : "it gives no reason"));
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
