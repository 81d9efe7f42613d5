/* SPDX-License-Identifier: Apache-2.0 */
#include "flow.h"

#include "clock.h"
#include "json.h"
#include "probed_store.h"

#include <pintle/status.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TTL_MS 300000

static struct probed_store world;
static struct flows flows;

static int open_store(void **state)
{
	(void)state;
	probed_store_open(&world);
	flows = (struct flows){ &world.kv, world.seal };
	return 0;
}

static int close_store(void **state)
{
	(void)state;
	probed_store_close(&world);
	return 0;
}

static struct flow flow_of(const char *target)
{
	struct flow flow = {
		.instance = "main",
		.purpose = PINTLE_LOGIN,
		.account_id = 42,
		.session = "s1",
		.target_ns = "phone",
		.network = "192.0.2.0/24",
		.created_ms = clock_now_ms(),
		.expires_ms = clock_now_ms() + TTL_MS,
		.kept = json_pack("{s:s, s:s}", "code", "hash", "name", "\xe7\x8e\x8b"),
	};

	assert_true(rng_id(flow.id));
	(void)snprintf(flow.target, sizeof(flow.target), "%s", target);
	return flow;
}

/* Whether the flow is in the store, by its id. */
static bool is_live(const struct flow *flow)
{
	struct flow found;
	int32_t status = flow_load(&flows, &world.arena, flow->id, FOREVER, &found);

	if (status == PINTLE_OK)
		flow_fini(&found);
	return status == PINTLE_OK;
}

static void store(const struct flow *flow)
{
	assert_int_equal(flow_store(&flows, &world.arena, flow, FOREVER), PINTLE_OK);
}

static void load(const struct flow *flow, struct flow *out)
{
	assert_int_equal(flow_load(&flows, &world.arena, flow->id, FOREVER, out), PINTLE_OK);
}

static void assert_same(const struct flow *a, const struct flow *b)
{
	assert_string_equal(a->id, b->id);
	assert_string_equal(a->instance, b->instance);
	assert_int_equal(a->purpose, b->purpose);
	assert_int_equal(a->account_id, b->account_id);
	assert_string_equal(a->session, b->session);
	assert_string_equal(a->target_ns, b->target_ns);
	assert_string_equal(a->target, b->target);
	assert_string_equal(a->network, b->network);
	assert_int_equal(a->created_ms, b->created_ms);
	assert_int_equal(a->expires_ms, b->expires_ms);
	assert_true(json_equal(a->kept, b->kept));
	assert_int_equal(a->was_right, b->was_right);
	assert_int_equal(a->waits, b->waits);
	assert_int_equal(a->state, b->state);
	assert_string_equal(a->grant, b->grant);
}

static void a_record_reads_back(void **state)
{
	struct flow flow = flow_of("+8613800138000"), read;
	size_t len;
	char *text = flow_encode(&world.arena, &flow, &len);

	(void)state;
	assert_non_null(text);
	assert_true(flow_decode(&read, text, len));
	assert_same(&flow, &read);
	flow_fini(&flow);
	flow_fini(&read);
	flow_fini(&read); /* what is empty may be ended again */
}

static void what_waits_reads_back(void **state)
{
	struct flow flow = flow_of(""), read;
	size_t len;
	char *text;

	(void)state;
	flow.was_right = true;
	flow.waits = true;
	flow.state = FLOW_SCANNED;
	(void)strcpy(flow.grant, "feedbeef");
	text = flow_encode(&world.arena, &flow, &len);
	assert_non_null(text);
	assert_true(flow_decode(&read, text, len));
	assert_same(&flow, &read);
	flow_fini(&flow);
	flow_fini(&read);
}

static void states_have_names(void **state)
{
	static const char *const bad[] = { "", "Pending", "done", "expired", "confirmed " };
	enum flow_state found;

	(void)state;
	for (enum flow_state i = FLOW_PENDING; i <= FLOW_FAILED; i++) {
		assert_true(flow_state_of(flow_state_name(i), &found));
		assert_int_equal(found, i);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (flow_state_of(bad[i], &found))
			fail_msg("%zu: %s", i, bad[i]);
}

#define RECORD(v, id, purpose, kept)                                                               \
	"{\"v\":" v ",\"id\":\"" id "\",\"instance\":\"main\",\"purpose\":" purpose                \
	",\"account\":0,\"session\":\"\",\"ns\":\"\",\"target\":\"\",\"created\":1,\"expires\":2"  \
	",\"kept\":" kept "}"
#define ID "0123456789abcdefghijkl"

static void unknown_records_are_refused(void **state)
{
	static const char good[] = RECORD("1", ID, "0", "{}");
	static const char *const bad[] = {
		"",
		"{}",
		"[]",
		"x",
		RECORD("2", ID, "0", "{}"),
		RECORD("\"1\"", ID, "0", "{}"),
		RECORD("1", ID "m", "0", "{}"),
		RECORD("1", ID, "6", "{}"),
		RECORD("1", ID, "-1", "{}"),
		RECORD("1", ID, "1.0", "{}"),
		RECORD("1", ID, "0", "{\"a\":1}"),
		RECORD("1", ID, "0", "[]"),
		RECORD("1", ID, "0", "null"),
		RECORD("1", ID, "0", "{},\"more\":1"),
		RECORD("1", ID, "0", "{},\"state\":\"done\""),
		RECORD("1", ID, "0", "{},\"waits\":1"),
		RECORD("1", ID, "0", "{},\"grant\":null"),
		RECORD("1", ID, "0", "{},\"network\":7"),
		RECORD("1", ID, "0", "{}") "x",
	};
	struct flow flow;

	(void)state;
	assert_true(flow_decode(&flow, good, strlen(good)));
	flow_fini(&flow);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (flow_decode(&flow, bad[i], strlen(bad[i])))
			fail_msg("%zu: %s", i, bad[i]);
		assert_null(flow.kept);
	}
	for (size_t len = 0; len < strlen(good); len++) {
		if (flow_decode(&flow, good, len))
			fail_msg("cut at %zu", len);
	}
}

static void what_is_kept_is_bounded(void **state)
{
	struct flow flow = flow_of("t"), read;
	char value[FLOW_KEPT_MAX];
	size_t len;
	char *text;

	(void)state;
	json_object_clear(flow.kept);
	memset(value, 'x', sizeof(value));
	value[FLOW_KEPT_MAX - 1] = '\0';
	json_object_set_new(flow.kept, "k", json_string(value));
	text = flow_encode(&world.arena, &flow, &len);
	assert_non_null(text);
	assert_true(flow_decode(&read, text, len));
	flow_fini(&read);
	json_object_set_new(flow.kept, "l", json_string(""));
	assert_null(flow_encode(&world.arena, &flow, &len));
	json_object_clear(flow.kept);
	for (int i = 0; i < JSON_MAX_KEYS; i++)
		json_object_set_new(flow.kept, arena_printf(&world.arena, "%d", i),
				    json_string(""));
	assert_null(flow_encode(&world.arena, &flow, &len));
	assert_int_equal(flow_store(&flows, &world.arena, &flow, FOREVER), PINTLE_INTERNAL);
	flow_fini(&flow);
}

static void a_stored_flow_is_loaded_by_id(void **state)
{
	struct flow flow = flow_of("+8613800138000"), read;

	(void)state;
	store(&flow);
	assert_int_equal(flow_load(&flows, &world.arena, flow.id, FOREVER, &read), PINTLE_OK);
	assert_same(&flow, &read);
	flow_fini(&read);
	flow_fini(&flow);
}

static void strange_ids_never_reach_the_store(void **state)
{
	static const char *const bad[] = { "",
					   "x",
					   "../../../../etc/passwd",
					   ID "m",
					   "0123456789abcdefghijk",
					   "0123456789abcdefghijk:",
					   "0123456789abcdefghij\xc3\xa9" };
	struct flow read;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (flow_load(&flows, &world.arena, bad[i], FOREVER, &read) != PINTLE_NOT_FOUND ||
		    world.probe.n_ops != 0)
			fail_msg("%zu: %s", i, bad[i]);
	}
	assert_int_equal(flow_load(&flows, &world.arena, ID, FOREVER, &read), PINTLE_NOT_FOUND);
	assert_int_equal(world.probe.n_ops, 1);
}

static void a_flow_ends_with_its_time(void **state)
{
	struct flow flow = flow_of("t");

	(void)state;
	store(&flow);
	world.shift_ms = TTL_MS - 1000;
	assert_true(is_live(&flow));
	world.shift_ms = TTL_MS + 1000;
	assert_false(is_live(&flow));
	assert_int_equal(flow_store(&flows, &world.arena, &flow, FOREVER), PINTLE_EXPIRED);
	flow_fini(&flow);
}

static void a_flow_is_consumed_once(void **state)
{
	struct flow flow = flow_of("t");

	(void)state;
	store(&flow);
	kv_probe_reset(&world.probe);
	assert_int_equal(flow_consume(&flows, &world.arena, &flow, FOREVER), PINTLE_OK);
	assert_int_equal(world.probe.n_ops, 1);
	assert_int_equal(world.probe.ops[0], PINTLE_KV_TAKE);
	assert_int_equal(flow_consume(&flows, &world.arena, &flow, FOREVER), PINTLE_NOT_FOUND);
	assert_false(is_live(&flow));
	flow_fini(&flow);
}

static void a_next_step_never_brings_a_spent_flow_back(void **state)
{
	struct flow flow = flow_of("t"), step, read;

	(void)state;
	store(&flow);
	load(&flow, &step);
	json_object_set_new(step.kept, "step", json_string("2"));
	assert_int_equal(flow_update(&flows, &world.arena, &step, FOREVER), PINTLE_OK);
	load(&flow, &read);
	assert_same(&step, &read);
	assert_int_equal(flow_consume(&flows, &world.arena, &flow, FOREVER), PINTLE_OK);
	json_object_set_new(read.kept, "step", json_string("3"));
	assert_int_equal(flow_update(&flows, &world.arena, &read, FOREVER), PINTLE_NOT_FOUND);
	assert_false(is_live(&flow));
	flow_fini(&read);
	flow_fini(&step);
	flow_fini(&flow);
}

static void of_two_steps_at_once_one_stays(void **state)
{
	struct flow flow = flow_of("t"), first, second, read;

	(void)state;
	store(&flow);
	load(&flow, &first);
	load(&flow, &second);
	first.state = FLOW_CONFIRMED;
	second.state = FLOW_FAILED;
	assert_int_equal(flow_update(&flows, &world.arena, &first, FOREVER), PINTLE_OK);
	assert_int_equal(flow_update(&flows, &world.arena, &second, FOREVER), PINTLE_CONFLICT);
	load(&flow, &read);
	assert_int_equal(read.state, FLOW_CONFIRMED);
	flow_fini(&read);
	flow_fini(&second);
	flow_fini(&first);
	flow_fini(&flow);
}

/* Whoever only looks costs nothing and disturbs nobody; and a step does not make a flow live longer. */
static void an_update_without_change_asks_nothing(void **state)
{
	struct flow flow = flow_of("t"), read;

	(void)state;
	store(&flow);
	load(&flow, &read);
	kv_probe_reset(&world.probe);
	assert_int_equal(flow_update(&flows, &world.arena, &read, FOREVER), PINTLE_OK);
	assert_int_equal(world.probe.n_ops, 0);
	world.shift_ms = TTL_MS - 1000;
	read.state = FLOW_SCANNED;
	assert_int_equal(flow_update(&flows, &world.arena, &read, FOREVER), PINTLE_OK);
	assert_true(is_live(&flow));
	world.shift_ms = TTL_MS + 1000;
	assert_false(is_live(&flow));
	flow_fini(&read);
	flow_fini(&flow);
}

static int32_t latest(const struct flow *wanted, struct flow *out)
{
	return flow_latest(&flows, &world.arena, wanted, FOREVER, out);
}

static void a_new_flow_replaces_the_old(void **state)
{
	struct flow old = flow_of("t"), new = flow_of("t"), read;

	(void)state;
	store(&old);
	assert_int_equal(latest(&old, &read), PINTLE_OK);
	assert_string_equal(read.id, old.id);
	flow_fini(&read);
	store(&new);
	assert_false(is_live(&old));
	assert_true(is_live(&new));
	assert_int_equal(latest(&old, &read), PINTLE_OK);
	assert_string_equal(read.id, new.id);
	flow_fini(&read);
	store(&new); /* the same again, for its next step, is no replacement */
	assert_true(is_live(&new));
	assert_int_equal(flow_consume(&flows, &world.arena, &new, FOREVER), PINTLE_OK);
	assert_int_equal(latest(&old, &read), PINTLE_NOT_FOUND);
	flow_fini(&old);
	flow_fini(&new);
}

static void other_targets_are_left_alone(void **state)
{
	struct flow base = flow_of("t"), others[4], read;

	(void)state;
	for (int i = 0; i < 4; i++)
		others[i] = flow_of("t");
	(void)strcpy(others[0].target, "u");
	(void)strcpy(others[1].target_ns, "email");
	(void)strcpy(others[2].instance, "second");
	others[3].purpose = PINTLE_RESET;
	store(&base);
	for (int i = 0; i < 4; i++) {
		if (latest(&others[i], &read) != PINTLE_NOT_FOUND)
			fail_msg("%d is found", i);
		store(&others[i]);
		if (!is_live(&base))
			fail_msg("%d replaced it", i);
	}
	for (int i = 0; i < 4; i++) {
		assert_true(is_live(&others[i]));
		flow_fini(&others[i]);
	}
	flow_fini(&base);
}

static void without_a_target_nothing_points_to_it(void **state)
{
	struct flow first = flow_of(""), second = flow_of("");

	(void)state;
	store(&first);
	store(&second);
	assert_true(is_live(&first));
	assert_true(is_live(&second));
	flow_fini(&first);
	flow_fini(&second);
}

/* Wherever a store of a second flow breaks off, never are both good, and nobody finds a wrong one. */
static void a_crash_leaves_no_two_flows(void **state)
{
	(void)state;
	for (int fail_at = 0; fail_at < 4; fail_at++) {
		struct flow old = flow_of("t"), new = flow_of("t"), read;
		bool is_found;

		store(&old);
		kv_probe_reset(&world.probe);
		world.probe.fail_at = fail_at;
		assert_int_equal(flow_store(&flows, &world.arena, &new, FOREVER),
				 PINTLE_UNAVAILABLE);
		kv_probe_reset(&world.probe);
		is_found = latest(&old, &read) == PINTLE_OK;
		if (is_found && strcmp(read.id, old.id) != 0)
			fail_msg("failing at %d: found the one that failed", fail_at);
		if (is_found != is_live(&old))
			fail_msg("failing at %d: the pointer is wrong", fail_at);
		if (is_found)
			flow_fini(&read);
		flow_fini(&old);
		flow_fini(&new);
	}
}

static struct flow rival;

static void store_rival(void)
{
	store(&rival);
}

/* Another worker stores for the same target before each op of this one. */
static void of_two_at_once_one_stays(void **state)
{
	(void)state;
	for (int race_at = 0; race_at < 4; race_at++) {
		struct flow old = flow_of("t"), mine = flow_of("t"), read;

		rival = flow_of("t");
		store(&old);
		kv_probe_reset(&world.probe);
		world.probe.race = store_rival;
		world.probe.race_at = race_at;
		store(&mine);
		kv_probe_reset(&world.probe);
		assert_int_equal(latest(&old, &read), PINTLE_OK);
		if (is_live(&old) || is_live(&rival) + is_live(&mine) != 1 || !is_live(&read))
			fail_msg("race at %d: old %d, rival %d, mine %d", race_at, is_live(&old),
				 is_live(&rival), is_live(&mine));
		flow_fini(&read);
		flow_fini(&old);
		flow_fini(&mine);
		flow_fini(&rival);
	}
}

static void what_became_of_a_message_is_noted(void **state)
{
	struct flow flow = flow_of("+8613800138000");
	const char *word;

	(void)state;
	store(&flow);
	assert_int_equal(flow_shown(&flows, &world.arena, &flow, FOREVER, &word), PINTLE_OK);
	assert_string_equal(word, "pending");
	assert_int_equal(flow_note_state(&flows, &world.arena, flow.id, "failed", FOREVER),
			 PINTLE_OK);
	assert_int_equal(flow_shown(&flows, &world.arena, &flow, FOREVER, &word), PINTLE_OK);
	assert_string_equal(word, "failed");
	flow.state = FLOW_CONFIRMED;
	assert_int_equal(flow_shown(&flows, &world.arena, &flow, FOREVER, &word), PINTLE_OK);
	assert_string_equal(word, "confirmed");
	flow_fini(&flow);
}

static void a_store_that_is_down_is_a_fault(void **state)
{
	struct flow flow = flow_of("t"), read;
	const char *word;

	(void)state;
	store(&flow);
	kv_probe_reset(&world.probe);
	world.probe.fail_at = 0;
	assert_int_equal(flow_load(&flows, &world.arena, flow.id, FOREVER, &read),
			 PINTLE_UNAVAILABLE);
	assert_int_equal(latest(&flow, &read), PINTLE_UNAVAILABLE);
	assert_int_equal(flow_consume(&flows, &world.arena, &flow, FOREVER), PINTLE_UNAVAILABLE);
	assert_int_equal(flow_shown(&flows, &world.arena, &flow, FOREVER, &word),
			 PINTLE_UNAVAILABLE);
	assert_int_equal(flow_note_state(&flows, &world.arena, flow.id, "failed", FOREVER),
			 PINTLE_UNAVAILABLE);
	flow_fini(&flow);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, open_store, close_store)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(a_record_reads_back),
		WITH_STORE(what_waits_reads_back),
		WITH_STORE(states_have_names),
		WITH_STORE(unknown_records_are_refused),
		WITH_STORE(what_is_kept_is_bounded),
		WITH_STORE(a_stored_flow_is_loaded_by_id),
		WITH_STORE(strange_ids_never_reach_the_store),
		WITH_STORE(a_flow_ends_with_its_time),
		WITH_STORE(a_flow_is_consumed_once),
		WITH_STORE(a_next_step_never_brings_a_spent_flow_back),
		WITH_STORE(of_two_steps_at_once_one_stays),
		WITH_STORE(an_update_without_change_asks_nothing),
		WITH_STORE(a_new_flow_replaces_the_old),
		WITH_STORE(other_targets_are_left_alone),
		WITH_STORE(without_a_target_nothing_points_to_it),
		WITH_STORE(a_crash_leaves_no_two_flows),
		WITH_STORE(of_two_at_once_one_stays),
		WITH_STORE(what_became_of_a_message_is_noted),
		WITH_STORE(a_store_that_is_down_is_a_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
