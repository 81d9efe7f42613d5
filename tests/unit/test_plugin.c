/* SPDX-License-Identifier: Apache-2.0 */
/* Builds small .so files in a folder of its own: each wrong one differs from the good one by one thing. */
#include "board.h"
#include "conf_text.h"
#include "instance.h"
#include "plugin.h"
#include "scratch.h"
#include "snapshot.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PATH_LEN 256

static char dir[SCRATCH_MAX];
static int n_busy; /* seals that the kernel puts off */

/* Stands before the system's. */
int fcntl(int fd, int command, ...)
{
	int (*real)(int, int, ...) = (int (*)(int, int, ...))dlsym(RTLD_NEXT, "fcntl");
	va_list args;
	long arg;

	va_start(args, command);
	arg = va_arg(args, long);
	va_end(args);
	if (command == F_ADD_SEALS && n_busy > 0) {
		n_busy--;
		errno = EBUSY;
		return -1;
	}
	return real(fd, command, arg);
}

/* dir/name.so from small_plugin.inc with the flags. */
static void build(const char *name, const char *flags)
{
	char command[1024];

	(void)snprintf(command, sizeof(command),
		       "cc -std=c11 -D_GNU_SOURCE -O0 -w -fPIC -shared -fvisibility=hidden "
		       "-Isdk/include %s -x c -o %s/%s.so tests/unit/small_plugin.inc && "
		       "chmod 755 %s/%s.so",
		       flags, dir, name, dir, name);
	if (system(command) != 0)
		fail_msg("%s", command);
}

static const char *path_of(const char *name)
{
	static char path[PATH_LEN];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static int make_dir(void **state)
{
	(void)state;
	scratch_make(dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	scratch_remove(dir);
	return 0;
}

static bool can_open(const char *name, struct err *err)
{
	int fd = plugin_open_file(dir, name, err);

	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
}

static void need_open(const char *name)
{
	struct err err = { "" };

	if (!can_open(name, &err))
		fail_msg("%s", err.text);
}

static void need_refusal(const char *name, const char *reason)
{
	struct err err = { "" };

	if (can_open(name, &err))
		fail_msg("%.60s was opened", name);
	if (!strstr(err.text, reason))
		fail_msg("%.60s: \"%s\", not \"%s\"", name, err.text, reason);
}

static void write_file(const char *name, mode_t mode)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	(void)close(fd);
}

static void opens_names_only(void **state)
{
	static const char *const names[] = {
		"",    "../x", "/etc/x", "x/y", "x.so",     "X",
		"x\n", "..",   "a b",    "a-b", "\xC3\xA4", "x;rm -rf"
	};
	char longest[50];

	(void)state;
	write_file("x.so", 0644);
	need_open("x");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		need_refusal(names[i], "a plugin's name must be");
	memset(longest, 'a', sizeof(longest));
	longest[49] = '\0';
	need_refusal(longest, "a plugin's name must be");
	longest[48] = '\0';
	need_refusal(longest, "No such file");
}

static void refuses_what_others_can_write(void **state)
{
	static const mode_t modes[] = { 0664, 0646, 0666, 0777 };

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		write_file("x.so", modes[i]);
		need_refusal("x", "x.so: others can write it");
		write_file("x.so", 0755);
		need_open("x");
		assert_int_equal(chmod(dir, modes[i] | 0700), 0);
		need_refusal("x", "plugin folder");
		need_refusal("x", "others can write it");
		assert_int_equal(chmod(dir, 0700), 0);
		need_open("x");
	}
}

static void refuses_strangers_files(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	write_file("x.so", 0755);
	assert_int_equal(chown(path_of("x.so"), 12345, 0), 0);
	need_refusal("x", "x.so: it belongs to neither root nor this user");
	assert_int_equal(chown(path_of("x.so"), 0, 0), 0);
	need_open("x");
	assert_int_equal(chown(dir, 12345, 0), 0);
	need_refusal("x", "it belongs to neither root nor this user");
}

static void opens_regular_files_only(void **state)
{
	struct err err = { "" };

	(void)state;
	write_file("real.so", 0755);
	need_open("real");
	assert_int_equal(symlink("/etc/passwd", path_of("out.so")), 0);
	need_refusal("out", "out.so: a link");
	assert_int_equal(symlink("real.so", path_of("in.so")), 0);
	need_refusal("in", "in.so: a link");
	assert_int_equal(mkfifo(path_of("fifo.so"), 0600), 0);
	need_refusal("fifo", "fifo.so: not a regular file");
	assert_int_equal(mkdir(path_of("folder.so"), 0700), 0);
	need_refusal("folder", "folder.so: not a regular file");
	need_refusal("none", "none.so: No such file");
	assert_int_equal(symlink(dir, path_of("link")), 0);
	assert_int_equal(plugin_open_file(path_of("link"), "real", &err), -1);
	assert_non_null(strstr(err.text, "plugin folder"));
}

/* Loads name.so; the descriptor stays open, since libc knows a library by its path. */
static bool load(struct plugin *plugin, const char *name, struct err *err)
{
	int fd = plugin_open_file(dir, name, err);

	assert_true(fd >= 0);
	return plugin_load(plugin, name, fd, err);
}

/* What was checked is what is loaded, whoever writes to the file or puts another in its place (A32). */
static void nothing_changes_what_was_checked(void **state)
{
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	char bytes[8] = "", other[PATH_LEN];
	struct err err = { "" };
	int fd, file;

	(void)state;
	write_file("x.so", 0755);
	write_file("y.so", 0777);
	file = open(path_of("x.so"), O_WRONLY | O_CLOEXEC);
	assert_int_equal(write(file, "checked", 7), 7);
	fd = plugin_open_file(dir, "x", &err);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(file, "changed", 7, 0), 7);
	assert_int_equal(pread(fd, bytes, 7, 0), 7);
	assert_string_equal(bytes, "checked");
	assert_int_equal(fcntl(fd, F_GET_SEALS) & seals, seals);
	assert_int_equal(pwrite(fd, "changed", 7, 0), -1);
	(void)strcpy(other, path_of("y.so"));
	assert_int_equal(rename(other, path_of("x.so")), 0);
	assert_int_equal(pread(fd, bytes, 7, 0), 7);
	assert_string_equal(bytes, "checked");
	need_refusal("x", "x.so: others can write it");
	(void)close(file);
	(void)close(fd);
}

static void waits_for_a_page_that_is_held(void **state)
{
	struct err err = { "" };
	int fd;

	(void)state;
	write_file("x.so", 0755);
	n_busy = 3;
	fd = plugin_open_file(dir, "x", &err);
	assert_true(fd >= 0);
	assert_int_equal(n_busy, 0);
	assert_true(fcntl(fd, F_GET_SEALS) & F_SEAL_WRITE);
	(void)close(fd);
}

static void copies_every_table(void **state)
{
	struct plugin plugin;
	struct err err = { "" };

	(void)state;
	build("small", "");
	if (!load(&plugin, "small", &err))
		fail_msg("%s", err.text);
	assert_ptr_equal(plugin.desc.provider, &plugin.provider);
	assert_ptr_equal(plugin.desc.opts, plugin.opts);
	assert_null(plugin.desc.db);
	assert_string_equal(plugin.provider.namespaces[0], "small");
	assert_string_equal(plugin.provider.inputs[0].name, "code");
	assert_string_equal(plugin.api.routes[0].path, "/small");
	assert_int_equal(plugin.provider.verify(NULL, NULL), PINTLE_DENIED);
	plugin_fini(&plugin);
}

static void refuses_wrong_plugins(void **state)
{
	static const struct {
		const char *flags, *err;
	} rows[] = {
		{ "-DABI=77", "it is built for ABI 77, this host has" },
		{ "-DSIZE=16", "the descriptor has a size of 16" },
		{ "-DSIZE=0", "the descriptor has a size of 0" },
		{ "-DSIZE=1000000", "the descriptor has a size of 1000000" },
		{ "-DPROVIDER_SIZE=8", "provider has a size of 8" },
		{ "-DOPT_SIZE=4", "opts has a size of 4" },
		{ "-DWITHOUT_ENTRY", "it has no pintle_plugin_entry" },
		{ "-DNAME='\"other\"'", "it calls itself other" },
		{ "-DNAME=0", "it calls itself nothing" },
		{ "-DFALLBACK='\"x\"'", "option number: its default must be a whole number" },
		{ "-DOPTION='\"Number\"'", "option 0: a name" },
		{ "-DVERIFY=0", "it lacks provider.verify" },
		{ "-DROUTE_KIND=PINTLE_TO_OP", "route /small leads nowhere" },
		{ "-DROUTE_KIND=9", "route 0 lacks" },
		{ "-DWITH_LOCALE", "loading it changes the locale" },
		{ "-DWITH_SIGNAL", "loading it changes a signal handler" },
		{ "-DWITH_UMASK", "loading it changes the umask" },
		{ "-DWITH_FD", "loading it changes one of the descriptors 0 to 2" },
	};
	int saved_stdin = dup(STDIN_FILENO);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct plugin plugin;
		struct err err = { "" };
		mode_t mask = umask(022);

		build("small", rows[i].flags);
		if (load(&plugin, "small", &err))
			fail_msg("row %zu was loaded", i);
		(void)umask(mask);
		(void)setlocale(LC_ALL, "C");
		(void)signal(SIGUSR2, SIG_DFL);
		(void)dup2(saved_stdin, STDIN_FILENO);
		if (strncmp(err.text, "plugin small.so: ", 17) != 0 ||
		    strncmp(err.text + 17, rows[i].err, strlen(rows[i].err)) != 0)
			fail_msg("row %zu: \"%s\", not \"%s\"", i, err.text, rows[i].err);
	}
	(void)close(saved_stdin);
}

static void refuses_what_is_no_library(void **state)
{
	struct plugin plugin;
	struct err err = { "" };

	(void)state;
	write_file("text.so", 0755);
	assert_false(load(&plugin, "text", &err));
	assert_non_null(strstr(err.text, "plugin text.so: "));
}

/* A newer plugin: what this host does not know of its tables is left behind. */
static void takes_longer_tables(void **state)
{
	struct plugin plugin;
	struct err err = { "" };

	(void)state;
	build("small", "-DSIZE='sizeof(struct pintle_plugin)+64'");
	if (!load(&plugin, "small", &err))
		fail_msg("%s", err.text);
	assert_string_equal(plugin.desc.name, "small");
	plugin_fini(&plugin);
}

/* Everything from a text to instances. */
static bool make_instances(const char *text, struct snapshot *snapshot, struct instances *instances,
			   struct err *err)
{
	static const char *const needed[] = { NULL };
	struct board *board = board_new();
	bool ok;

	*snapshot = (struct snapshot){ 0 };
	*instances = (struct instances){ 0 };
	conf_text_need(&snapshot->conf, text);
	ok = instances_open_files(snapshot, dir, err) &&
	     instances_init(instances, snapshot, board, needed, err);
	board_free(board);
	return ok;
}

static void makes_instances(void **state)
{
	struct instances instances;
	struct snapshot snapshot;
	struct err err = { "" };
	struct pintle_inst *one;

	(void)state;
	build("small", "-DNAMESPACE='\"small:*\"'");
	if (!make_instances("[server]\n[small]\nnumber = 7\ntimeout = 2s\n[two]\nplugin = small\n",
			    &snapshot, &instances, &err))
		fail_msg("%s", err.text);
	assert_int_equal(snapshot.n_plugins, 1);
	assert_int_equal(instances.n_items, 2);
	one = instances_find(&instances, "small");
	assert_non_null(one);
	assert_int_equal(*(int64_t *)one->conf, 7);
	assert_int_equal(one->settings.timeout_ms, 2000);
	assert_int_equal(one->settings.max_running, 8);
	assert_null(instances_find(&instances, "three"));
	if (!instance_open(one, NULL, &err))
		fail_msg("%s", err.text);
	assert_non_null(one->self);
	instance_close(one);
	assert_null(one->self);
	instances_fini(&instances);
	/* The descriptors stay open: the library is known by them. */
	conf_fini(&snapshot.conf);
}

static void refuses_wrong_sections(void **state)
{
	static const struct {
		const char *text, *err; /* NULL: taken */
	} rows[] = {
		{ "[small]\nnumber = 3\n", NULL },
		{ "[a]\nplugin = small\n[b]\nplugin = small\n",
		  "x.ini:3: [b]: identities \"small\" belong to [a] already" },
		{ "[small]\nnumber = 10\n",
		  "x.ini:2: [small] number: must be from 1 to 9 (A number.)" },
		{ "[small]\nnumbr = 1\n",
		  "x.ini:2: [small] numbr: unknown key; did you mean \"number\"?" },
		{ "[small]\ntimeot = 1s\n",
		  "x.ini:2: [small] timeot: unknown key; did you mean \"timeout\"?" },
		{ "[small]\nmax_running = 0\n", "x.ini:2: [small] max_running: must be from 1" },
		{ "[login]\nplugin = small\n",
		  "x.ini:1: [login]: this name is a word of the host's" },
		{ "[refresh]\nplugin = small\n", "x.ini:1: [refresh]: this name is a word of" },
		{ "[Small]\nplugin = small\n", "x.ini:1: [Small]: no section of the host" },
		{ "[1small]\nplugin = small\n", "x.ini:1: [1small]: no section of the host" },
		{ "[serverr]\n",
		  "x.ini:1: [serverr]: neither a section of the host nor a plugin " },
		{ "[x]\nplugin = nope\n", "x.ini:2: [x] plugin: plugin " },
		{ "[x]\nplugin = ../small\n", "x.ini:2: [x] plugin: a plugin's name must be" },
	};

	(void)state;
	build("small", "");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct instances instances;
		struct snapshot snapshot;
		struct err err = { "" };
		bool ok = make_instances(rows[i].text, &snapshot, &instances, &err);

		if (ok != !rows[i].err ||
		    (!ok && strncmp(err.text, rows[i].err, strlen(rows[i].err)) != 0))
			fail_msg("row %zu: %d \"%s\", not \"%s\"", i, ok, err.text, rows[i].err);
		instances_fini(&instances);
		conf_fini(&snapshot.conf);
	}
}

static void tells_why_an_instance_does_not_open(void **state)
{
	struct instances instances;
	struct snapshot snapshot;
	struct err err = { "" };

	(void)state;
	build("small", "");
	if (!make_instances("[small]\nnumber = 9\n", &snapshot, &instances, &err))
		fail_msg("%s", err.text);
	assert_false(instance_open(&instances.items[0], NULL, &err));
	assert_string_equal(err.text,
			    "x.ini:1: [small]: plugin small.so: cannot open: nine is too much");
	instances_fini(&instances);
	conf_fini(&snapshot.conf);
}

static void refuses_a_key_that_every_section_has(void **state)
{
	struct instances instances;
	struct snapshot snapshot;
	struct err err = { "" };

	(void)state;
	build("small", "-DOPTION='\"max_running\"'");
	assert_false(make_instances("[small]\n", &snapshot, &instances, &err));
	assert_string_equal(err.text, "x.ini:1: [small]: plugin small.so: option max_running is "
				      "one that every section has");
	conf_fini(&snapshot.conf);
	build("small", "-DOPTION='\"max_runners\"'");
	if (!make_instances("[small]\nmax_runners = 3\n", &snapshot, &instances, &err))
		fail_msg("%s", err.text);
	assert_int_equal(*(int64_t *)instances.items[0].conf, 3);
	instances_fini(&instances);
	conf_fini(&snapshot.conf);
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DIR(opens_names_only),
		WITH_DIR(refuses_what_others_can_write),
		WITH_DIR(refuses_strangers_files),
		WITH_DIR(opens_regular_files_only),
		WITH_DIR(nothing_changes_what_was_checked),
		WITH_DIR(waits_for_a_page_that_is_held),
		WITH_DIR(copies_every_table),
		WITH_DIR(refuses_wrong_plugins),
		WITH_DIR(refuses_what_is_no_library),
		WITH_DIR(takes_longer_tables),
		WITH_DIR(makes_instances),
		WITH_DIR(refuses_wrong_sections),
		WITH_DIR(tells_why_an_instance_does_not_open),
		WITH_DIR(refuses_a_key_that_every_section_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
