/* SPDX-License-Identifier: Apache-2.0 */
#include "inst.h"

#include "fake_loop.h"
#include "report.h"
#include "secrets.h"
#include "side.h"
#include "xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct opt_table table_of(const struct plugin *plugin)
{
	return (struct opt_table){ plugin->opts, plugin->desc.n_opts, plugin->desc.conf_size };
}

static void note_secrets(struct pintle_inst *inst)
{
	for (size_t i = 0; i < inst->plugin->desc.n_opts; i++) {
		const struct pintle_opt *opt = &inst->plugin->opts[i];

		if (opt->type == PINTLE_SECRET)
			secrets_add(&inst->secrets, "a secret option",
				    *(const char **)((char *)inst->conf + opt->offset));
	}
}

bool inst_bind(struct pintle_inst *inst, const struct plugin *plugin, const char *name,
	       const struct pairs *keys, struct err *err)
{
	const struct opt_table table = table_of(plugin), *const tables[] = { &table };
	struct conf conf = { 0 };
	struct conf_section *section = conf_add_section(&conf, name, "conf", 0);
	bool ok;

	*inst = (struct pintle_inst){ .plugin = plugin };
	(void)snprintf(inst->name, sizeof(inst->name), "%s", name);
	inst->conf = xcalloc(1, plugin->desc.conf_size + 1);
	for (size_t i = 0; i < keys->n; i++)
		(void)conf_add_key(section, keys->items[i].name, keys->items[i].value, "conf", 0);
	ok = opt_bind(&table, section, name, inst->conf, err) &&
	     opt_check_all_used(section, tables, 1, err);
	conf_fini(&conf);
	if (ok) {
		world_make_dir(inst->dir);
		note_secrets(inst);
	} else {
		inst_fini(inst);
	}
	return ok;
}

int32_t inst_open(struct pintle_inst *inst, struct err *err)
{
	int32_t status = PINTLE_OK;

	err->text[0] = '\0';
	inst->plain = (struct pintle_plain){ services(), inst, inst->conf };
	inst->self = &inst->plain;
	inst->is_opening = true;
	(void)side_enter(SIDE_PLUGIN);
	if (inst->plugin->desc.open)
		status = inst->plugin->desc.open(services(), inst, inst->conf, &inst->self,
						 err->text, sizeof(err->text));
	(void)side_enter(SIDE_HOST);
	inst->is_opening = false;
	secrets_look(&inst->secrets, err->text, "open", "its reason");
	inst->is_open = status == PINTLE_OK;
	return status;
}

bool inst_start(struct pintle_inst *inst, const struct plugin *plugin, const char *name,
		const struct pairs *keys, const char *rule)
{
	struct err err;
	int32_t status;

	if (!inst_bind(inst, plugin, name, keys, &err)) {
		report_fail(rule, "its options are refused: %s", err.text);
		return false;
	}
	report_at("open");
	status = inst_open(inst, &err);
	if (status != PINTLE_OK) {
		report_fail(rule, "open answers %d: %s", status, err.text);
		inst_fini(inst);
	}
	return status == PINTLE_OK;
}

void inst_close(struct pintle_inst *inst)
{
	if (!inst->is_open)
		return;
	report_at("close");
	(void)side_enter(SIDE_PLUGIN);
	if (inst->plugin->desc.close)
		inst->plugin->desc.close(inst->self);
	(void)side_enter(SIDE_HOST);
	inst->is_open = false;
	if (fake_loop_forget(inst) > 0)
		report_fail("I01", "close leaves a descriptor watched");
}

void inst_fini(struct pintle_inst *inst)
{
	struct opt_table table;

	if (!inst->conf)
		return;
	inst_close(inst);
	table = table_of(inst->plugin);
	opt_fini(&table, inst->conf);
	free(inst->conf);
	inst->conf = NULL;
	world_remove_dir(inst->dir);
	pairs_fini(&inst->secrets);
	pairs_fini(&inst->named);
	pairs_fini(&inst->vouched);
}
