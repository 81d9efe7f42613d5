/* SPDX-License-Identifier: Apache-2.0 */
/* pintle-check: whether a plugin keeps the rules. README.md names them all. */
#include "conf_line.h"
#include "log.h"
#include "rules.h"
#include "side.h"
#include "xalloc.h"

#include <getopt.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct report_stage stages[] = {
	{ "L01", "it loads", rule_loads, 0 },
	{ "L02", "it exports its entry alone", rule_exports, 0 },
	{ "L03", "loading it does nothing", rule_entry, 0 },
	{ "O01", "the table of options is sane", rule_options, 0 },
	{ "O02", "each key may be left out, or is refused", rule_keys, 0 },
	{ "O03", "each key holds at its bounds and nowhere beyond", rule_bounds, 0 },
	{ "I01", "it opens and closes more than once", rule_open_twice, 0 },
	{ "I02", "two instances do not disturb each other", rule_two_instances, 0 },
	{ "C", "cases", rule_cases, 0 },
	{ "M01", "memory the host lent is left alone afterwards", rule_again, 0 },
	{ "M02", "no memory is left behind", rule_leaks, 0 },
	{ "P01", "the process stays as it was", rule_process, 0 },
	{ "P02", "no descriptor and no thread is left behind", rule_rests, 0 },
	{ "R01", "any field is refused or taken, never a fault", rule_fields, 0 },
	{ "F01", "each service failing ends in a fault", rule_faults, 0 },
	{ "F02", "each allocation failing ends in a fault", rule_memory, 0 },
	{ "F03", "open fails when the loop does", rule_open_faults, 0 },
	{ "F04", "open fails when an allocation does", rule_open_memory, 0 },
	{ "D02", "past the deadline nothing succeeds", rule_deadline, 0 },
	{ "H01", "an upstream that makes no sense is a fault", rule_answers, 0 },
	{ "N01", "a sender says what is unclear and what is not", rule_sender, 0 },
	{ "T01", "eight calls at once", rule_threads, 0 },
	{ "K01", "the contract of key-value stores", rule_kv, 0 },
	{ "B01", "the contract of SQL stores", rule_db, 0 },
};

static const struct report_watched watched[] = {
	{ "I03", "an instance says of itself what its plugin declares" },
	{ "V01", "ops end in a status, proofs in somebody" },
	{ "V02", "the target is named first" },
	{ "V03", "INVALID names a field" },
	{ "X01", "transactions are closed, and nothing else goes on in them" },
	{ "X02", "services are given sizes and texts" },
	{ "D01", "an op ends once" },
	{ "S01", "no secret and no number of a person in a log" },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int usage(void)
{
	(void)fputs("usage: pintle-check [--cases FILE] [--conf FILE] PLUGIN.so\n", stderr);
	return 2;
}

static int fail(const struct err *err)
{
	(void)fprintf(stderr, "pintle-check: %s\n", err->text);
	return 2;
}

/* The keys of the first section of a file as in conf.d. */
static bool read_conf(struct check *check, const char *path, struct err *err)
{
	struct conf conf = { 0 };
	bool ok = conf_line_read_file(&conf, path, err);

	for (size_t i = 0; ok && conf.n_sections > 0 && i < conf.sections[0].n_keys; i++)
		pairs_put(&check->conf, conf.sections[0].keys[i].name,
			  conf.sections[0].keys[i].value);
	conf_fini(&conf);
	return ok;
}

static bool take_path(struct check *check, const char *path, struct err *err)
{
	char *copy = xstrdup(path), *name = basename(copy);
	size_t len = strlen(name);
	bool ok = len > 3 && len - 3 <= PLUGIN_NAME_MAX && strcmp(name + len - 3, ".so") == 0;

	check->path = path;
	if (ok)
		(void)snprintf(check->name, sizeof(check->name), "%.*s", (int)(len - 3), name);
	free(copy);
	return ok || err_set(err, "%s: no file of a plugin, NAME.so", path);
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "cases", required_argument, NULL, 'c' },
						 { "conf", required_argument, NULL, 'o' },
						 { 0 } };
	static struct check check;
	struct err err;
	int opt, status;

	(void)side_enter(SIDE_HOST);
	log_init("pintle-check", LOG_ERROR);
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'c' ? !cases_read(&check.cases, optarg, &err)
			       : opt != 'o' || !read_conf(&check, optarg, &err))
			return opt == '?' ? usage() : fail(&err);
	}
	if (optind + 1 != argc)
		return usage();
	if (!take_path(&check, realpath(argv[optind], NULL) ?: argv[optind], &err))
		return fail(&err);
	world_make_dir(check.template_dir);
	for (size_t i = 0; i < COUNT(stages); i++)
		report_run(&stages[i], &check);
	status = report_end(watched, COUNT(watched));
	world_remove_dir(check.template_dir);
	cases_fini(&check.cases);
	pairs_fini(&check.conf);
	return status;
}
