/* SPDX-License-Identifier: Apache-2.0 */
/* Instances: their life, their independence, and what they leave of the process. */
#include "fake_loop.h"
#include "plugin_call.h"
#include "plugin_guard.h"
#include "rules.h"
#include "script.h"
#include "side.h"
#include "words.h"
#include "xalloc.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct pairs rules_conf(const struct check *check, const struct play *play)
{
	struct pairs conf = { 0 };

	pairs_put_all(&conf, &check->conf);
	pairs_put_all(&conf, &check->cases.conf);
	if (play)
		pairs_put_all(&conf, &play->conf);
	return conf;
}

bool rules_start(struct check *check, const struct play *play, struct pintle_inst *inst,
		 const char *rule)
{
	struct pairs conf = rules_conf(check, play);
	bool ok = inst_start(inst, &check->plugin, check->name, &conf, rule);

	pairs_fini(&conf);
	return ok;
}

void rules_need_cases(const struct check *check)
{
	if (check->cases.n_plays == 0)
		report_skip("there are no cases");
}

void rule_open_twice(void *ctx)
{
	struct check *check = ctx;
	struct pintle_inst inst;

	rules_begin(check);
	for (int i = 0; i < 3; i++) {
		if (!rules_start(check, NULL, &inst, "I01"))
			return;
		fake_loop_tick(&inst);
		inst_fini(&inst);
	}
}

/* ---- Two of them ---- */

/* The same keys with other texts, so that one instance cannot pass for the other. */
static struct pairs others(const struct check *check, const struct play *play)
{
	struct pairs changed = rules_conf(check, play);

	for (size_t i = 0; i < check->plugin.desc.n_opts; i++) {
		const struct pintle_opt *opt = &check->plugin.opts[i];
		const char *text = pairs_get(&changed, opt->name);
		char *other = xstrdup(text ? text : opt->fallback ? opt->fallback : "");
		size_t len = strlen(other);

		if ((opt->type == PINTLE_STRING || opt->type == PINTLE_SECRET) && len > 0) {
			other[0] = other[0] == 'x' ? 'y' : 'x';
			pairs_put(&changed, opt->name, other);
		}
		free(other);
	}
	return changed;
}

static void expect(struct pintle_inst *inst, const struct check *check, const struct play *play,
		   const char *when)
{
	struct script_result result = script_run(inst, play, NULL, check->template_dir);

	if (!result.is_as_expected)
		report_fail("I02", "case \"%s\" %s, line %d: %s", play->title, when, result.line,
			    result.why);
}

static void run_beside(struct check *check, const struct play *play)
{
	struct pairs changed = others(check, play);
	struct pintle_inst first, second;
	struct err err;

	if (!rules_start(check, play, &first, "I02")) {
		pairs_fini(&changed);
		return;
	}
	if (inst_bind(&second, &check->plugin, "other", &changed, &err) &&
	    inst_open(&second, &err) != PINTLE_OK)
		inst_fini(&second); /* its texts may mean something: then the same ones twice */
	if (!second.conf && !rules_start(check, play, &second, "I02")) {
		inst_fini(&first);
		pairs_fini(&changed);
		return;
	}
	expect(&first, check, play, "beside another instance");
	inst_fini(&second);
	expect(&first, check, play, "after another instance was closed");
	inst_fini(&first);
	pairs_fini(&changed);
}

void rule_two_instances(void *ctx)
{
	struct check *check = ctx;
	const struct play none = { .title = (char *)"none" };

	rules_begin(check);
	if (check->cases.n_plays == 0)
		run_beside(check, &none);
	for (size_t i = 0; i < check->cases.n_plays; i++)
		run_beside(check, &check->cases.plays[i]);
}

/* ---- The process ---- */

static void run_all(struct check *check)
{
	struct pintle_inst inst;

	if (check->cases.n_plays == 0 && rules_start(check, NULL, &inst, "P01"))
		inst_fini(&inst);
	for (size_t i = 0; i < check->cases.n_plays; i++) {
		const struct play *play = &check->cases.plays[i];

		if (!rules_start(check, play, &inst, "P01"))
			continue;
		(void)script_run(&inst, play, NULL, check->template_dir);
		inst_fini(&inst);
	}
	call_settle();
}

void rule_process(void *ctx)
{
	struct check *check = ctx;
	struct plugin_guard before, after;
	char dir_before[PATH_MAX] = "", dir_after[PATH_MAX] = "";
	const char *changed;

	rules_begin(check);
	plugin_guard_take(&before);
	(void)!getcwd(dir_before, sizeof(dir_before));
	run_all(check);
	plugin_guard_take(&after);
	(void)!getcwd(dir_after, sizeof(dir_after));
	changed = plugin_guard_differs(&before, &after);
	if (changed)
		report_fail("P01", "its ops change %s", changed);
	if (strcmp(dir_before, dir_after) != 0)
		report_fail("P01", "its ops change the working directory");
}

void rule_rests(void *ctx)
{
	struct check *check = ctx;
	int n_fds, n_threads;

	rules_begin(check);
	run_all(check); /* what a library keeps for ever is there now */
	n_fds = rules_count("/proc/self/fd");
	n_threads = rules_count("/proc/self/task");
	run_all(check);
	if (rules_count("/proc/self/fd") > n_fds)
		report_fail("P02", "a descriptor stays open after close");
	for (int i = 0; i < 100 && rules_count("/proc/self/task") > n_threads; i++)
		(void)usleep(10000); /* a joined thread takes a moment to leave the list */
	if (rules_count("/proc/self/task") > n_threads)
		report_fail("P02", "a thread stays after close");
}

/* ---- open() with something failing ---- */

static bool may_open(struct check *check, const struct pairs *conf, const char *rule,
		     const char *what)
{
	struct pintle_inst inst;
	struct err err;
	int32_t status;
	bool has_come;

	if (!inst_bind(&inst, &check->plugin, check->name, conf, &err))
		report_skip("its options are refused");
	report_at("open");
	status = inst_open(&inst, &err);
	side_refuse(0);
	has_come = fake_loop_has_refused() || side_has_refused();
	if (has_come && !PINTLE_IS_FAULT(status))
		report_fail(rule, "open: %s gave %s", what, words_status(status));
	inst_fini(&inst);
	return has_come;
}

void rule_open_faults(void *ctx)
{
	struct check *check = ctx;
	struct pairs conf;

	rules_begin(check);
	conf = rules_conf(check, NULL);
	for (int i = 1; i < 16; i++) {
		fake_loop_refuse(i);
		if (!may_open(check, &conf, "F03", "watch, timer or every failing"))
			break;
	}
	pairs_fini(&conf);
}

void rule_open_memory(void *ctx)
{
	struct check *check = ctx;
	struct pairs conf;
	int64_t n_before;

	rules_begin(check);
	if (!side_can_refuse())
		report_skip("a sanitizer has the allocator");
	conf = rules_conf(check, NULL);
	(void)may_open(check, &conf, "F04", "nothing");
	for (int64_t i = 1; i < 1000; i++) {
		n_before = side_n_blocks();
		side_refuse(i);
		if (!may_open(check, &conf, "F04", "an allocation that fails"))
			break;
		if (side_n_blocks() > n_before)
			report_fail("M02", "open: an allocation that fails leaves memory behind");
	}
	pairs_fini(&conf);
}
