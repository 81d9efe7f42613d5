/* SPDX-License-Identifier: Apache-2.0 */
/* The rules. Each function is one stage; its argument is the struct check. */
#ifndef RULES_H
#define RULES_H

#include "cases.h"
#include "inst.h"
#include "report.h"

struct check {
	const char *path; /* of the .so */
	char name[PLUGIN_NAME_MAX + 1];
	struct cases cases;
	struct pairs conf; /* of --conf */
	char template_dir[PATH_MAX];
	struct plugin plugin; /* loaded in each stage anew */
};

/* ---- For every stage but those that load by themselves ---- */

/* Loads the plugin and watches for accesses to memory that is no longer lent; skips when it cannot. */
void rules_begin(struct check *check);
/* The keys of the section for a case; NULL: without one. The caller ends it. */
struct pairs rules_conf(const struct check *check, const struct play *play);
/* An open instance for a case. */
bool rules_start(struct check *check, const struct play *play, struct pintle_inst *inst,
		 const char *rule);
/* What a folder holds: descriptors and threads of this process. */
int rules_count(const char *dir);
/* Skips the stage when there is none. */
void rules_need_cases(const struct check *check);

report_stage_fn rule_loads, rule_exports, rule_entry;              /* rules_load.c */
report_stage_fn rule_options, rule_keys, rule_bounds;              /* rules_option.c */
report_stage_fn rule_open_twice, rule_two_instances, rule_process, /* rules_inst.c */
	rule_rests, rule_open_faults, rule_open_memory;
report_stage_fn rule_cases, rule_fields, rule_again, rule_leaks, rule_threads; /* rules_case.c */
report_stage_fn rule_faults, rule_deadline, rule_memory, rule_answers,         /* rules_fault.c */
	rule_sender;
report_stage_fn rule_kv, rule_db; /* rules_store.c */

#endif
