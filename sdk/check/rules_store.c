/* SPDX-License-Identifier: Apache-2.0 */
/* Drivers: the contract suites, run on what the plugin opens. */
#include "db_contract.h"
#include "fake_loop.h"
#include "kv_contract.h"
#include "rules.h"

#include <stdio.h>

static void turn(void *ctx, int wait_ms)
{
	(void)ctx;
	(void)fake_loop_turn(wait_ms);
}

void rule_kv(void *ctx)
{
	struct check *check = ctx;
	/* Who answers later asks a server, which has a clock of its own. */
	bool is_inline = (check->plugin.kv.flags & PINTLE_KV_INLINE) != 0;
	struct pintle_inst inst;

	rules_begin(check);
	if (!check->plugin.desc.kv)
		report_skip("it is no key-value store");
	if (!rules_start(check, NULL, &inst, "K01"))
		return;
	const struct kv_under_test kv = {
		.ops = &check->plugin.kv,
		.self = inst.self,
		.move_clock = is_inline ? world_move_clock : NULL,
		.turn = turn,
	};

	report_at("the contract of key-value stores");
	if (kv_contract_run(&kv) != 0)
		report_fail("K01", "it breaks the contract of key-value stores");
	inst_fini(&inst);
}

void rule_db(void *ctx)
{
	struct check *check = ctx;
	struct pintle_inst inst;

	rules_begin(check);
	if (!check->plugin.desc.db)
		report_skip("it is no SQL store");
	if (!rules_start(check, NULL, &inst, "B01"))
		return;
	const struct db_under_test db = { .ops = &check->plugin.db, .self = inst.self };

	report_at("the contract of SQL stores");
	if (db_contract_run(&db) != 0)
		report_fail("B01", "it breaks the contract of SQL stores");
	inst_fini(&inst);
}
