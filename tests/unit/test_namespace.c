/* SPDX-License-Identifier: Apache-2.0 */
/* Sections of small plugins, built here, that say whose identities are theirs. */
#include "board.h"
#include "conf_text.h"
#include "host.h"
#include "namespace.h"
#include "scratch.h"
#include "services.h"
#include "snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BOTH "-DNAMESPACE='\"small:*\"' "

static char dir[SCRATCH_MAX];
static struct host host;
static struct snapshot snapshot;

static void build(const char *name, const char *flags)
{
	char command[1024];

	(void)snprintf(command, sizeof(command),
		       "cc -std=c11 -D_GNU_SOURCE -O0 -w -fPIC -shared -fvisibility=hidden "
		       "-Isdk/include -DNAME='\"%s\"' %s -x c -o %s/%s.so "
		       "tests/unit/small_plugin.inc && chmod 755 %s/%s.so",
		       name, flags, dir, name, dir, name);
	if (system(command) != 0)
		fail_msg("%s", command);
}

static int make_dir(void **state)
{
	(void)state;
	scratch_make(dir);
	return 0;
}

static void close_sections(void)
{
	for (size_t i = 0; i < host.instances.n_items; i++)
		instance_close(&host.instances.items[i]);
	instances_fini(&host.instances);
	conf_fini(&snapshot.conf);
}

static int remove_dir(void **state)
{
	(void)state;
	close_sections();
	scratch_remove(dir);
	return 0;
}

/* Makes the sections of text and opens them, in their order. */
static bool open_sections(const char *text, struct err *err)
{
	static const char *const needed[] = { NULL };
	struct board *board = board_new();
	bool ok;

	close_sections();
	snapshot = (struct snapshot){ 0 };
	conf_text_need(&snapshot.conf, text);
	ok = instances_open_files(&snapshot, dir, err) &&
	     instances_init(&host.instances, &snapshot, board, needed, err);
	board_free(board);
	for (size_t i = 0; ok && i < host.instances.n_items; i++) {
		host.instances.items[i].host = &host;
		ok = instance_open(&host.instances.items[i], services(), err);
	}
	if (ok)
		namespace_collect_ways_in(&host.instances);
	return ok;
}

static void need_sections(const char *text)
{
	struct err err = { "" };

	if (!open_sections(text, &err))
		fail_msg("%s", err.text);
}

static struct pintle_inst *find(const char *name)
{
	struct pintle_inst *inst = instances_find(&host.instances, name);

	assert_non_null(inst);
	return inst;
}

static void need_way_in(size_t i, const char *ns, const char *instance)
{
	const struct way_in *way = &namespace_ways_in(&host.instances)[i];

	if (ns)
		assert_string_equal(way->ns, ns);
	else
		assert_null(way->ns);
	if (ns)
		assert_string_equal(way->instance, instance);
}

static void a_pattern_is_all_of_it_as_long_as_nothing_is_said(void **state)
{
	(void)state;
	build("small", BOTH);
	need_sections("[a]\nplugin = small\n[b]\nplugin = small\n");
	assert_ptr_equal(namespace_owner(&host.instances, "small:x"), find("a"));
	assert_null(namespace_owner(&host.instances, "smal"));
	assert_true(namespace_belongs(find("b"), "small:"));
	assert_false(namespace_belongs(find("b"), "small"));
	need_way_in(0, "small:*", "a");
	need_way_in(1, "small:*", "b");
	need_way_in(2, NULL, NULL);
}

static void what_is_said_holds_instead_of_the_pattern(void **state)
{
	(void)state;
	build("small", BOTH "-DDESCRIBES");
	need_sections("[a]\nplugin = small\nnumber = 1\n[b]\nplugin = small\nnumber = 2\n");
	assert_ptr_equal(namespace_owner(&host.instances, "small:1"), find("a"));
	assert_ptr_equal(namespace_owner(&host.instances, "small:2"), find("b"));
	assert_null(namespace_owner(&host.instances, "small:3"));
	assert_false(namespace_belongs(find("a"), "small:2"));
	assert_true(namespace_is_declared(find("a"), "small:2"));
	assert_false(namespace_is_declared(find("a"), "other:2"));
	need_way_in(0, "small:1", "a");
	need_way_in(1, "small:2", "b");
	need_way_in(2, NULL, NULL);
	assert_true(namespace_is_vouched(find("a"), "email"));
	assert_false(namespace_is_vouched(find("a"), "phone"));
	assert_false(namespace_belongs(find("a"), "email"));
	assert_null(namespace_owner(&host.instances, "email"));
	assert_string_equal(find("a")->description.label_zh, "数");
	assert_string_equal(find("a")->description.label_en, "Number");
}

static void only_the_same_plugin_may_say_the_same(void **state)
{
	struct err err = { "" };

	(void)state;
	build("small", BOTH "-DDESCRIBES");
	build("other", BOTH "-DDESCRIBES");
	build("fixed", "-DNAMESPACE='\"small:1\"'");
	need_sections("[a]\nplugin = small\nnumber = 1\n[b]\nplugin = small\nnumber = 1\n");
	assert_ptr_equal(namespace_owner(&host.instances, "small:1"), find("a"));
	assert_true(namespace_belongs(find("b"), "small:1"));
	need_sections("[a]\nplugin = small\nnumber = 1\n[b]\nplugin = other\nnumber = 2\n");
	assert_false(open_sections(
		"[a]\nplugin = small\nnumber = 1\n[b]\nplugin = other\nnumber = 1\n", &err));
	assert_string_equal(err.text, "x.ini:4: [b]: identities \"small:1\" belong to [a] already");
	assert_false(open_sections("[a]\nplugin = small\nnumber = 1\n[b]\nplugin = fixed\n", &err));
	assert_string_equal(err.text, "x.ini:1: [a]: identities \"small:1\" belong to [b] already");
}

static void refuses_what_is_no_name_of_its_own(void **state)
{
	static const struct {
		const char *text, *err;
	} rows[] = {
		{ "[a]\nplugin = small\nnumber = 6\n",
		  "x.ini:1: [a]: plugin small.so: \"ymall:0\" is no exact namespace of those it " },
		{ "[a]\nplugin = small\nnumber = 7\n",
		  "x.ini:1: [a]: plugin small.so: a label is no text" },
		{ "[a]\nplugin = small\nnumber = 5\n",
		  "x.ini:1: [a]: plugin small.so: \"mail*\" is no exact namespace to vouch for" },
		{ "[a]\nplugin = small\nnumber = 8\n",
		  "x.ini:1: [a]: plugin small.so: \"small:*\" is no exact namespace of those it " },
	};

	(void)state;
	build("small", BOTH "-DDESCRIBES");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = { "" };

		if (open_sections(rows[i].text, &err) ||
		    strncmp(err.text, rows[i].err, strlen(rows[i].err)) != 0)
			fail_msg("row %zu: \"%s\", not \"%s\"", i, err.text, rows[i].err);
	}
}

static void nothing_is_said_once_it_is_open(void **state)
{
	const char *const named[] = { "small:2", NULL };
	const struct pintle_description description = { .size = sizeof(description),
							.namespaces = named };

	(void)state;
	build("small", BOTH "-DDESCRIBES");
	need_sections("[a]\nplugin = small\nnumber = 1\n");
	assert_int_equal(services()->describe_instance(find("a"), &description), PINTLE_INTERNAL);
	assert_true(namespace_belongs(find("a"), "small:1"));
	assert_false(namespace_belongs(find("a"), "small:2"));
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DIR(a_pattern_is_all_of_it_as_long_as_nothing_is_said),
		WITH_DIR(what_is_said_holds_instead_of_the_pattern),
		WITH_DIR(only_the_same_plugin_may_say_the_same),
		WITH_DIR(refuses_what_is_no_name_of_its_own),
		WITH_DIR(nothing_is_said_once_it_is_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
