/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"

#include "host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
	struct host host;
	struct board *board;
	struct plugin plugin;
	struct pintle_inst inst;
	struct arena arena;
};

static void run_nothing(struct request *request)
{
	(void)request;
}

static const struct route own[] = {
	{ HTTP_GET, "/things", NULL, run_nothing, 0, .summary = "" },
	{ HTTP_POST, "/things", NULL, run_nothing, 0, .summary = "" },
};

/* Two routes of one path, told apart by a field: one name in the board. */
static struct pintle_route declared[] = {
	{ "POST", "/enter", PINTLE_TO_VERIFY, PINTLE_LOGIN, NULL, "left", NULL, "" },
	{ "POST", "/enter", PINTLE_TO_VERIFY, PINTLE_LOGIN, NULL, "right", NULL, "" },
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct host *host = &fixture->host;
	struct err err = { "" };

	fixture->board = calloc(1, sizeof(*fixture->board));
	fixture->plugin.api.n_routes = 2;
	fixture->plugin.routes = declared;
	fixture->inst.plugin = &fixture->plugin;
	host->board = fixture->board;
	host->self = &fixture->board->workers[0];
	host->instances.items = &fixture->inst;
	host->instances.n_items = 1;
	host->router = router_new(own, 2, &host->instances, run_nothing, host->board, &err);
	if (!host->router)
		fail_msg("%s", err.text);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	router_free(fixture->host.router);
	arena_fini(&fixture->arena);
	free(fixture->board);
	free(fixture);
	return 0;
}

static struct board_worker *worker(struct fixture *fixture, int slot)
{
	return &fixture->board->workers[slot];
}

/* Whether the text has this line, whole. */
static bool has_line(struct fixture *fixture, const char *line)
{
	const char *text = metrics_text(&fixture->host, &fixture->arena), *at = text;
	size_t len = strlen(line);

	while ((at = strstr(at, line)) != NULL) {
		if ((at == text || at[-1] == '\n') && at[len] == '\n')
			return true;
		at += len;
	}
	return false;
}

static void assert_line(struct fixture *fixture, const char *line)
{
	if (!has_line(fixture, line))
		fail_msg("no line %s in\n%s", line, metrics_text(&fixture->host, &fixture->arena));
}

static void requests_are_summed_over_workers(void **state)
{
	struct fixture *fixture = *state;

	metrics_request(worker(fixture, 0), 0, 200, 1000);
	metrics_request(worker(fixture, 0), 0, 404, 1000);
	metrics_request(worker(fixture, 1), 0, 200, 1000);
	metrics_request(worker(fixture, BOARD_WORKERS - 1), 1, 200, 1000);
	assert_line(fixture,
		    "pintle_requests_total{method=\"GET\",route=\"/things\",status=\"200\"} 2");
	assert_line(fixture,
		    "pintle_requests_total{method=\"GET\",route=\"/things\",status=\"404\"} 1");
	assert_line(fixture,
		    "pintle_requests_total{method=\"POST\",route=\"/things\",status=\"200\"} 1");
}

static void routes_of_one_path_are_one_line(void **state)
{
	struct fixture *fixture = *state;
	const char *text, *first;

	for (size_t i = 2; i < 4; i++)
		metrics_request(worker(fixture, 0), router_at(fixture->host.router, i)->index, 200,
				1000);
	assert_line(fixture,
		    "pintle_requests_total{method=\"POST\",route=\"/enter\",status=\"200\"} 2");
	text = metrics_text(&fixture->host, &fixture->arena);
	first = strstr(text, "pintle_requests_total{method=\"POST\",route=\"/enter\"");
	assert_null(strstr(first + 1, "pintle_requests_total{method=\"POST\",route=\"/enter\""));
}

/* A reload that puts other routes first moves no number to another route. */
static void a_route_keeps_its_numbers_over_a_reload(void **state)
{
	static const struct route after[] = {
		{ HTTP_GET, "/new", NULL, run_nothing, 0, .summary = "" },
		{ HTTP_GET, "/things", NULL, run_nothing, 0, .summary = "" },
	};
	struct fixture *fixture = *state;
	struct host *host = &fixture->host;
	struct err err = { "" };

	metrics_request(worker(fixture, 0), router_at(host->router, 0)->index, 200, 1000);
	metrics_request(worker(fixture, 0), router_at(host->router, 2)->index, 200, 1000);
	router_free(host->router);
	host->instances.n_items = 0;
	host->router = router_new(after, 2, &host->instances, run_nothing, host->board, &err);
	assert_non_null(host->router);
	for (size_t i = 0; i < 2; i++)
		metrics_request(worker(fixture, 1), router_at(host->router, i)->index, 200, 1000);
	assert_line(fixture,
		    "pintle_requests_total{method=\"GET\",route=\"/things\",status=\"200\"} 2");
	assert_line(fixture,
		    "pintle_requests_total{method=\"GET\",route=\"/new\",status=\"200\"} 1");
	assert_line(fixture,
		    "pintle_requests_total{method=\"POST\",route=\"/enter\",status=\"200\"} 1");
}

static void an_unknown_path_is_no_label(void **state)
{
	struct fixture *fixture = *state;

	metrics_request(worker(fixture, 0), -1, 404, 1000);
	metrics_request(worker(fixture, 0), BOARD_NO_ROUTE, 400, 1000);
	assert_line(fixture, "pintle_requests_total{method=\"\",route=\"\",status=\"404\"} 1");
	assert_line(fixture, "pintle_requests_total{method=\"\",route=\"\",status=\"400\"} 1");
}

static void a_status_out_of_the_list_is_other(void **state)
{
	static const struct {
		int status;
		const char *shown;
	} cases[] = {
		{ 200, "200" }, { 503, "503" }, { 504, "504" }, { 299, "other" }, { 0, "other" },
	};
	char line[128];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		tear_down(state);
		set_up(state);
		metrics_request(worker(*state, 0), 0, cases[i].status, 1);
		(void)snprintf(
			line, sizeof(line),
			"pintle_requests_total{method=\"GET\",route=\"/things\",status=\"%s\"} 1",
			cases[i].shown);
		if (!has_line(*state, line))
			fail_msg("case %zu: no %s", i, line);
	}
}

static void latencies_fall_into_their_buckets(void **state)
{
	static const struct {
		int64_t latency_us;
		const char *in, *below; /* first bucket that counts it, last that does not */
	} cases[] = {
		{ 0, "0.0005", NULL },      { 500, "0.0005", NULL },
		{ 501, "0.001", "0.0005" }, { 2500, "0.0025", "0.001" },
		{ 999999, "1", "0.5" },     { 5000000, "5", "1" },
		{ 5000001, "+Inf", "5" },   { INT64_C(1) << 40, "+Inf", "5" },
	};
	static const char bucket[] = "pintle_request_duration_seconds_bucket{method=\"GET\","
				     "route=\"/things\",le=\"%s\"} %d";
	char line[160];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		tear_down(state);
		set_up(state);
		metrics_request(worker(*state, 0), 0, 200, cases[i].latency_us);
		(void)snprintf(line, sizeof(line), bucket, cases[i].in, 1);
		if (!has_line(*state, line))
			fail_msg("case %zu: no %s", i, line);
		(void)snprintf(line, sizeof(line), bucket, cases[i].below ? cases[i].below : "+Inf",
			       cases[i].below ? 0 : 1);
		if (!has_line(*state, line))
			fail_msg("case %zu: no %s", i, line);
	}
}

static void a_histogram_has_its_sum_and_count(void **state)
{
	struct fixture *fixture = *state;

	metrics_request(worker(fixture, 0), 0, 200, 1500);
	metrics_request(worker(fixture, 1), 0, 401, 500);
	assert_line(fixture, "pintle_request_duration_seconds_sum{method=\"GET\",route=\"/things\"}"
			     " 0.002000");
	assert_line(fixture,
		    "pintle_request_duration_seconds_count{method=\"GET\",route=\"/things\"} 2");
}

static void label_values_are_escaped(void **state)
{
	struct fixture *fixture = *state;

	(void)strcpy(fixture->board->instances[0].name, "a\"b\\c\nd");
	atomic_store(&fixture->board->instances[0].is_quarantined, 1);
	(void)strcpy(fixture->board->instances[1].name, "plain");
	atomic_store(&fixture->board->n_instances, 2);
	metrics_outcome(worker(fixture, 3), 1, OUTCOME_DENIED);
	assert_line(fixture, "pintle_instance_quarantined{instance=\"a\\\"b\\\\c\\nd\"} 1");
	assert_line(fixture, "pintle_instance_quarantined{instance=\"plain\"} 0");
	assert_line(fixture,
		    "pintle_instance_calls_total{instance=\"plain\",outcome=\"denied\"} 1");
}

static void an_outcome_of_nobody_is_not_counted(void **state)
{
	struct fixture *fixture = *state;

	metrics_outcome(worker(fixture, 0), -1, OUTCOME_FINE);
	metrics_outcome(worker(fixture, 0), BOARD_INSTANCES, OUTCOME_FINE);
	for (int i = 0; i < BOARD_INSTANCES; i++)
		assert_int_equal(worker(fixture, 0)->outcomes[i][OUTCOME_FINE], 0);
}

static void counters_of_the_dead_stay_and_gauges_go(void **state)
{
	struct fixture *fixture = *state;

	for (int slot = 0; slot < 2; slot++) {
		metrics_count(worker(fixture, slot), METRIC_LOGINS_OK, 3);
		metrics_gauge(worker(fixture, slot), GAUGE_CONNECTIONS, 5);
	}
	atomic_store(&worker(fixture, 0)->state, BOARD_SERVING);
	atomic_store(&worker(fixture, 1)->state, BOARD_FREE);
	atomic_store(&worker(fixture, 1)->n_restarts, 2);
	assert_line(fixture, "pintle_logins_total{result=\"success\"} 6");
	assert_line(fixture, "pintle_connections 5");
	assert_line(fixture, "pintle_workers{state=\"serving\"} 1");
	assert_line(fixture, "pintle_worker_restarts_total 2");
}

static void stores_are_as_this_worker_sees_them(void **state)
{
	struct fixture *fixture = *state;

	metrics_gauge(worker(fixture, 0), GAUGE_DB_UP, 1);
	metrics_gauge(worker(fixture, 1), GAUGE_KV_UP, 1);
	assert_line(fixture, "pintle_store_up{store=\"db\"} 1");
	assert_line(fixture, "pintle_store_up{store=\"kv\"} 0");
}

/* "name{labels} value", no two of the same name and labels. */
static void every_line_is_well_formed(void **state)
{
	struct fixture *fixture = *state;
	char *text, *save = NULL;
	const char *seen[512];
	size_t n_seen = 0;

	metrics_request(worker(fixture, 0), 0, 200, 1);
	metrics_request(worker(fixture, 0), 3, 503, 1);
	metrics_request(worker(fixture, 0), -1, 404, 1);
	text = metrics_text(&fixture->host, &fixture->arena);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *space = strrchr(line, ' '), *end;

		if (*line == '#')
			continue;
		assert_non_null(space);
		*space = '\0';
		(void)strtod(space + 1, &end);
		if (end == space + 1 || *end)
			fail_msg("%s: no number in %s", line, space + 1);
		for (size_t i = 0; i < n_seen; i++)
			if (strcmp(seen[i], line) == 0)
				fail_msg("twice: %s", line);
		assert_true(n_seen < sizeof(seen) / sizeof(seen[0]));
		seen[n_seen++] = line;
	}
	assert_true(n_seen > 50);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(requests_are_summed_over_workers),
		TEST(routes_of_one_path_are_one_line),
		TEST(a_route_keeps_its_numbers_over_a_reload),
		TEST(an_unknown_path_is_no_label),
		TEST(a_status_out_of_the_list_is_other),
		TEST(latencies_fall_into_their_buckets),
		TEST(a_histogram_has_its_sum_and_count),
		TEST(label_values_are_escaped),
		TEST(an_outcome_of_nobody_is_not_counted),
		TEST(counters_of_the_dead_stay_and_gauges_go),
		TEST(stores_are_as_this_worker_sees_them),
		TEST(every_line_is_well_formed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
