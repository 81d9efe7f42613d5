/* SPDX-License-Identifier: Apache-2.0 */
#include "access_log.h"
#include "request.h"
#include "scratch.h"

#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define N_FLOOD 20000

struct fixture {
	struct http_request http;
	struct route route;
	struct request request;
	struct http_answer answer;
	char dir[64], path[80];
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	scratch_make(fixture->dir);
	(void)snprintf(fixture->path, sizeof(fixture->path), "%s/access.log", fixture->dir);
	fixture->http.head.method_name = SLICE("GET");
	fixture->http.head.path = SLICE("/people/13800138000");
	fixture->route.path = "/people/{phone}";
	fixture->request.http = &fixture->http;
	fixture->request.route = &fixture->route;
	(void)strcpy(fixture->request.id, "request-1");
	(void)strcpy(fixture->request.client_text, "203.0.113.7");
	fixture->answer = (struct http_answer){ .status = 200, .body = SLICE("0123456789") };
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	scratch_remove(fixture->dir);
	free(fixture);
	return 0;
}

static struct access_log *open_log(const char *path)
{
	struct err err = { "" };
	struct access_log *log = access_log_new(path, &err);

	if (!log)
		fail_msg("%s", err.text);
	return log;
}

static void write_line(struct access_log *log, const struct fixture *fixture)
{
	access_log_request(log, &fixture->request, &fixture->answer, "uuid-1", 1500);
}

/* The lines of a file as objects; each must be JSON. */
static json_t *read_lines(const char *path)
{
	FILE *file = fopen(path, "re");
	json_t *list = json_array();
	char line[2048];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		json_t *object = json_loads(line, 0, NULL);

		if (!object)
			fail_msg("no JSON: %s", line);
		(void)json_array_append_new(list, object);
	}
	(void)fclose(file);
	return list;
}

static void assert_text(const json_t *line, const char *name, const char *expected)
{
	assert_string_equal(json_string_value(json_object_get(line, name)), expected);
}

static void a_line_tells_the_route_and_nobody_s_number(void **state)
{
	struct fixture *fixture = *state;
	struct access_log *log = open_log(fixture->path);
	json_t *lines, *line;
	char *text;

	write_line(log, fixture);
	access_log_free(log);
	lines = read_lines(fixture->path);
	assert_int_equal(json_array_size(lines), 1);
	line = json_array_get(lines, 0);
	assert_text(line, "path", "/people/{phone}");
	assert_text(line, "id", "request-1");
	assert_text(line, "client", "203.0.113.7");
	assert_text(line, "method", "GET");
	assert_text(line, "user", "uuid-1");
	assert_int_equal(json_integer_value(json_object_get(line, "status")), 200);
	assert_int_equal(json_integer_value(json_object_get(line, "bytes")), 10);
	assert_float_equal(json_real_value(json_object_get(line, "ms")), 1.5, 0.0001);
	text = json_dumps(line, 0);
	assert_null(strstr(text, "13800138000"));
	free(text);
	json_decref(lines);
}

static void what_is_not_known_is_null(void **state)
{
	struct fixture *fixture = *state;
	struct access_log *log = open_log(fixture->path);
	json_t *lines;

	fixture->request.route = NULL;
	access_log_request(log, &fixture->request, &fixture->answer, NULL, 0);
	access_log_free(log);
	lines = read_lines(fixture->path);
	assert_true(json_is_null(json_object_get(json_array_get(lines, 0), "path")));
	assert_true(json_is_null(json_object_get(json_array_get(lines, 0), "user")));
	json_decref(lines);
}

static void whatever_the_client_sent_stays_one_line(void **state)
{
	static const struct {
		const char *method, *shown;
	} cases[] = {
		{ "GET", "GET" },
		{ "A\"B\\C", "A\"B\\C" },
		{ "A\n{\"forged\":1}", "A\n{\"forged\":1}" },
		{ "\x01\x7f", "\x01\x7f" },
		{ "\xff\xe9", "\xc3\xbf\xc3\xa9" }, /* shown as Latin-1, valid JSON all the same */
	};
	const size_t n_cases = sizeof(cases) / sizeof(cases[0]);
	struct fixture *fixture = *state;
	struct access_log *log = open_log(fixture->path);
	json_t *lines;

	for (size_t i = 0; i < n_cases; i++) {
		fixture->http.head.method_name = slice_of(cases[i].method);
		write_line(log, fixture);
	}
	access_log_free(log);
	lines = read_lines(fixture->path);
	assert_int_equal(json_array_size(lines), n_cases);
	for (size_t i = 0; i < n_cases; i++) {
		const char *shown =
			json_string_value(json_object_get(json_array_get(lines, i), "method"));

		if (strcmp(shown, cases[i].shown) != 0)
			fail_msg("case %zu: %s", i, shown);
	}
	json_decref(lines);
}

static void a_line_that_is_too_long_is_dropped_and_counted(void **state)
{
	struct fixture *fixture = *state;
	struct access_log *log = open_log(fixture->path);
	char method[2000];
	json_t *lines;

	memset(method, 'A', sizeof(method));
	fixture->http.head.method_name = (struct slice){ method, sizeof(method) };
	write_line(log, fixture);
	assert_int_equal(access_log_n_dropped(log), 1);
	fixture->http.head.method_name = SLICE("GET");
	write_line(log, fixture);
	assert_int_equal(access_log_n_dropped(log), 1);
	access_log_free(log);
	lines = read_lines(fixture->path);
	assert_int_equal(json_array_size(lines), 1);
	json_decref(lines);
}

static void a_file_moved_away_is_opened_anew(void **state)
{
	struct fixture *fixture = *state;
	struct access_log *log = open_log(fixture->path);
	char moved[96];
	json_t *lines;

	(void)snprintf(moved, sizeof(moved), "%s.1", fixture->path);
	assert_int_equal(rename(fixture->path, moved), 0);
	write_line(log, fixture);
	access_log_free(log);
	lines = read_lines(fixture->path);
	assert_int_equal(json_array_size(lines), 1);
	json_decref(lines);
	lines = read_lines(moved);
	assert_int_equal(json_array_size(lines), 0);
	json_decref(lines);
}

static void others_cannot_read_it(void **state)
{
	struct fixture *fixture = *state;
	mode_t before = umask(0);
	struct access_log *log = open_log(fixture->path);
	struct stat st;

	(void)umask(before);
	assert_int_equal(stat(fixture->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	access_log_free(log);
}

static void two_workers_share_a_file_line_by_line(void **state)
{
	struct fixture *fixture = *state;
	struct access_log *one = open_log(fixture->path), *two = open_log(fixture->path);
	size_t n_dropped;
	json_t *lines;

	for (int i = 0; i < 2000; i++) {
		write_line(one, fixture);
		write_line(two, fixture);
	}
	n_dropped = access_log_n_dropped(one) + access_log_n_dropped(two);
	access_log_free(one);
	access_log_free(two);
	lines = read_lines(fixture->path);
	assert_int_equal(json_array_size(lines) + n_dropped, 4000);
	json_decref(lines);
}

static void *free_log(void *log)
{
	access_log_free(log);
	return NULL;
}

static size_t count_lines(int fd)
{
	char bytes[65536];
	size_t n_lines = 0;
	ssize_t n;

	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		for (ssize_t i = 0; i < n; i++)
			n_lines += bytes[i] == '\n';
	return n_lines;
}

/* A pipe nobody reads stands for a disk that hangs. */
static void a_stuck_disk_costs_lines_and_never_time(void **state)
{
	struct fixture *fixture = *state;
	size_t n_dropped, n_written;
	struct access_log *log;
	pthread_t thread;
	int reader;

	assert_int_equal(mkfifo(fixture->path, 0600), 0);
	reader = open(fixture->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(reader >= 0);
	log = open_log(fixture->path);
	for (int i = 0; i < N_FLOOD; i++)
		write_line(log, fixture);
	n_dropped = access_log_n_dropped(log);
	assert_true(n_dropped > 0);
	assert_int_equal(fcntl(reader, F_SETFL, 0), 0);
	assert_int_equal(pthread_create(&thread, NULL, free_log, log), 0);
	n_written = count_lines(reader);
	(void)pthread_join(thread, NULL);
	(void)close(reader);
	assert_int_equal(n_written + n_dropped, N_FLOOD);
}

static void no_path_means_no_log(void **state)
{
	struct access_log *log = open_log("");

	write_line(log, *state);
	assert_int_equal(access_log_n_dropped(log), 0);
	access_log_free(log);
	access_log_free(NULL);
}

static void a_path_that_cannot_be_opened_is_named(void **state)
{
	struct fixture *fixture = *state;
	struct err err = { "" };
	char path[96];

	(void)snprintf(path, sizeof(path), "%s/none/access.log", fixture->dir);
	assert_null(access_log_new(path, &err));
	assert_non_null(strstr(err.text, path));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_line_tells_the_route_and_nobody_s_number),
		TEST(what_is_not_known_is_null),
		TEST(whatever_the_client_sent_stays_one_line),
		TEST(a_line_that_is_too_long_is_dropped_and_counted),
		TEST(a_file_moved_away_is_opened_anew),
		TEST(others_cannot_read_it),
		TEST(two_workers_share_a_file_line_by_line),
		TEST(a_stuck_disk_costs_lines_and_never_time),
		TEST(no_path_means_no_log),
		TEST(a_path_that_cannot_be_opened_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
