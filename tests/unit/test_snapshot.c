/* SPDX-License-Identifier: Apache-2.0 */
#include "conf_text.h"
#include "snapshot.h"
#include "xalloc.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct sender {
	const struct snapshot *snapshot;
	int socket;
	bool ok;
};

static void *send_it(void *arg)
{
	struct sender *sender = arg;
	struct err err;

	sender->ok = snapshot_send(sender->snapshot, sender->socket, &err);
	return NULL;
}

/* Sends from another thread, since a socket does not hold it all. */
static void pass(const struct snapshot *from, struct snapshot *to)
{
	struct sender sender = { .snapshot = from };
	struct err err = { "" };
	pthread_t thread;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	sender.socket = ends[0];
	assert_int_equal(pthread_create(&thread, NULL, send_it, &sender), 0);
	if (!snapshot_receive(to, ends[1], &err))
		fail_msg("%s", err.text);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(sender.ok);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static int file_with(const char *text)
{
	int fd = memfd_create("plugin", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

static void assert_same_conf(const struct conf *a, const struct conf *b)
{
	assert_int_equal(a->n_files, b->n_files);
	assert_int_equal(a->n_sections, b->n_sections);
	for (size_t i = 0; i < a->n_sections; i++) {
		const struct conf_section *x = &a->sections[i], *y = &b->sections[i];

		assert_string_equal(x->name, y->name);
		assert_string_equal(x->file, y->file);
		assert_int_equal(x->line, y->line);
		assert_int_equal(x->n_keys, y->n_keys);
		for (size_t j = 0; j < x->n_keys; j++) {
			assert_string_equal(x->keys[j].name, y->keys[j].name);
			assert_string_equal(x->keys[j].value, y->keys[j].value);
			assert_string_equal(x->keys[j].file, y->keys[j].file);
			assert_int_equal(x->keys[j].line, y->keys[j].line);
			assert_false(y->keys[j].is_used);
		}
	}
}

static void arrives_as_it_was_sent(void **state)
{
	struct snapshot from = { 0 }, to;
	struct err err = { "" };
	char bytes[8] = "";

	(void)state;
	conf_text_need(&from.conf, "[a]\nx = 1\ny =\n\n[group b]\nz = \xE4\xB8\xAD\n[c]\n");
	conf_add_key(&from.conf.sections[2], "new", "v", conf_add_file(&from.conf, "-o"), 0);
	from.conf.sections[0].keys[0].is_used = true;
	from.tls = (struct tls_pem){ xstrdup("a certificate\n"), xstrdup("a key\n") };
	assert_true(snapshot_add_plugin(&from, "first", file_with("one"), &err));
	assert_true(snapshot_add_plugin(&from, "second", file_with("two"), &err));
	pass(&from, &to);
	assert_same_conf(&from.conf, &to.conf);
	assert_string_equal(to.tls.cert, "a certificate\n");
	assert_string_equal(to.tls.key, "a key\n");
	assert_int_equal(to.n_plugins, 2);
	assert_int_equal(snapshot_plugin_fd(&to, "third"), -1);
	assert_int_equal(pread(snapshot_plugin_fd(&to, "second"), bytes, 7, 0), 3);
	assert_string_equal(bytes, "two");
	assert_int_equal(fcntl(to.plugins[0].fd, F_GETFD), FD_CLOEXEC);
	snapshot_fini(&from);
	assert_int_equal(pread(to.plugins[0].fd, bytes, 7, 0), 3);
	snapshot_fini(&to);
}

static void carries_a_large_configuration(void **state)
{
	struct snapshot from = { 0 }, to;
	static char value[60000];

	(void)state;
	memset(value, 'v', sizeof(value) - 1);
	conf_text_need(&from.conf, "[a]\n");
	for (int i = 0; i < 40; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "k%d", i);
		conf_add_key(&from.conf.sections[0], name, value, from.conf.files[0], i);
	}
	pass(&from, &to);
	assert_same_conf(&from.conf, &to.conf);
	snapshot_fini(&from);
	snapshot_fini(&to);
}

/* Every start of the bytes, and every byte changed: refused or taken, never worse. */
static void survives_broken_bytes(void **state)
{
	struct snapshot from = { 0 };
	char bytes[512];
	size_t n_refused = 0;
	struct err err = { "" };
	ssize_t len;
	int ends[2];

	(void)state;
	conf_text_need(&from.conf, "[a]\nx = 1\n[b]\ny = 2\n");
	from.tls = (struct tls_pem){ xstrdup("c"), xstrdup("k") };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_true(snapshot_send(&from, ends[0], &err));
	len = recv(ends[1], bytes, sizeof(bytes), 0);
	assert_true(len > 40);
	(void)close(ends[0]);
	(void)close(ends[1]);
	for (ssize_t i = 0; i < 2 * len; i++) {
		bool is_cut = i < len;
		struct snapshot to;

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
		bytes[i % len] ^= is_cut ? 0 : 0x7f;
		if ((is_cut ? i : len) > 0)
			assert_true(send(ends[0], bytes, (size_t)(is_cut ? i : len), 0) > 0);
		bytes[i % len] ^= is_cut ? 0 : 0x7f;
		(void)close(ends[0]);
		if (snapshot_receive(&to, ends[1], &err)) {
			if (is_cut)
				fail_msg("%zd of %zd bytes were taken", i, len);
			snapshot_fini(&to);
		} else {
			n_refused++;
			assert_int_equal(to.conf.n_sections, 0);
			assert_null(to.tls.cert);
		}
		(void)close(ends[1]);
	}
	assert_true(n_refused > (size_t)len);
	snapshot_fini(&from);
}

static void refuses_too_many_plugins(void **state)
{
	struct snapshot snapshot = { 0 };
	struct err err = { "" };

	(void)state;
	for (int i = 0; i < SNAPSHOT_PLUGINS; i++)
		assert_true(snapshot_add_plugin(&snapshot, "x", dup(STDIN_FILENO), &err));
	assert_false(snapshot_add_plugin(&snapshot, "x", dup(STDIN_FILENO), &err));
	assert_string_equal(err.text, "more than 64 plugins");
	snapshot_fini(&snapshot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arrives_as_it_was_sent),
		cmocka_unit_test(carries_a_large_configuration),
		cmocka_unit_test(survives_broken_bytes),
		cmocka_unit_test(refuses_too_many_plugins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
