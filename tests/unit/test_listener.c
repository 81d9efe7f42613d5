/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets stay the same over a reload as long as their text does. */
#include "listener.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct server_settings settings_of(const char *const *plain, const char *const *tls)
{
	return (struct server_settings){ .listen = plain, .listen_tls = tls };
}

static void shared_by_text_and_closed_apart(void **state)
{
	static const char *const none[] = { NULL };
	static const char *const before_texts[] = { "127.0.0.1:0", "[::1]:0", NULL };
	static const char *const after_texts[] = { "127.0.0.2:0", "127.0.0.1:0", NULL };
	struct server_settings first = settings_of(before_texts, none);
	struct server_settings second = settings_of(after_texts, none);
	char url[LISTENER_URL_MAX], kept[LISTENER_URL_MAX], fresh[LISTENER_URL_MAX];
	struct listeners before, after;
	struct err err;

	(void)state;
	assert_true(listeners_open(&before, &first, NULL, &err));
	assert_int_equal(before.n_items, 2);
	listener_url(before.items[0].fd, false, url);
	listener_url(before.items[1].fd, true, fresh);
	assert_int_equal(strncmp(fresh, "https://[::1]:", 14), 0);
	assert_true(listeners_open(&after, &second, &before, &err));
	listeners_close(&before);
	listener_url(after.items[1].fd, false, kept);
	assert_string_equal(kept, url);
	listener_url(after.items[0].fd, false, fresh);
	assert_int_equal(strncmp(fresh, "http://127.0.0.2:", 17), 0);
	listeners_close(&after);
}

static void taken_port_names_the_listener(void **state)
{
	static const char *const none[] = { NULL };
	const char *texts[] = { "127.0.0.1:0", NULL };
	struct server_settings settings = settings_of(texts, none);
	struct listeners first, second;
	char url[LISTENER_URL_MAX];
	struct err err;

	(void)state;
	assert_true(listeners_open(&first, &settings, NULL, &err));
	listener_url(first.items[0].fd, false, url);
	texts[0] = url + strlen("http://");
	assert_false(listeners_open(&second, &settings, NULL, &err));
	assert_non_null(strstr(err.text, texts[0]));
	listeners_close(&first);
	assert_true(listeners_open(&second, &settings, NULL, &err));
	listeners_close(&second);
}

static void control_socket_is_the_owners(void **state)
{
	char dir[] = "/tmp/test_listener.XXXXXX", path[64], too_long[200];
	struct stat st;
	struct err err;
	int fd, again;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/control.sock", dir);
	fd = listener_open_control(path, &err);
	assert_true(fd >= 0);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
	again = listener_open_control(path, &err); /* a stale one is replaced */
	assert_true(again >= 0);
	memset(too_long, 'x', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';
	assert_int_equal(listener_open_control(too_long, &err), -1);
	(void)close(fd);
	(void)close(again);
	(void)unlink(path);
	(void)rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shared_by_text_and_closed_apart),
		cmocka_unit_test(taken_port_names_the_listener),
		cmocka_unit_test(control_socket_is_the_owners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
