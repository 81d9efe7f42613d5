/* SPDX-License-Identifier: Apache-2.0 */
#include "test_number.h"

#include "audit.h"
#include "clock.h"
#include "host.h"
#include "identifier.h"
#include "log.h"
#include "request.h"
#include "xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CODE_LEN 6 /* as <pintle/code.h> makes them */
#define CODE_DIGITS_MIN 4
#define DAY_MS INT64_C(86400000)
#define AHEAD_MAX_MS (366 * DAY_MS)

struct test_number {
	char subject[IDENTIFIER_MAX];
	const char *code; /* lent from the settings */
};

struct test_numbers {
	struct test_number *items;
	size_t n_items;
	int64_t end_ms;
	const char *expires; /* the last day, as it was written */
	bool may_share;
};

/* ---- Settings ---- */

/* What somebody tries first: few digits, or a run up or down. */
static bool is_simple(const char *code)
{
	unsigned seen = 0;
	bool is_run_up = true, is_run_down = true;

	for (size_t i = 0; code[i]; i++) {
		seen |= 1u << (code[i] - '0');
		if (i == 0)
			continue;
		is_run_up = is_run_up && code[i] == code[i - 1] + 1;
		is_run_down = is_run_down && code[i] == code[i - 1] - 1;
	}
	return __builtin_popcount(seen) < CODE_DIGITS_MIN || is_run_up || is_run_down;
}

/* The place and no value: a code is a secret. */
static bool read_item(struct test_number *number, const char *text, size_t place, struct err *err)
{
	const char *colon = strrchr(text, ':');
	char typed[IDENTIFIER_MAX];

	if (!colon || (size_t)(colon - text) >= sizeof(typed))
		return err_set(err, "[test_numbers] codes: item %zu is not IDENTIFIER:CODE", place);
	(void)snprintf(typed, sizeof(typed), "%.*s", (int)(colon - text), text);
	if (!identifier_canonical(strchr(typed, '@') ? "email" : "phone", typed, number->subject))
		return err_set(err,
			       "[test_numbers] codes: item %zu names no phone number and no e-mail "
			       "address",
			       place);
	number->code = colon + 1;
	if (strlen(number->code) != CODE_LEN || strspn(number->code, "0123456789") != CODE_LEN)
		return err_set(err, "[test_numbers] codes: the code of item %zu is not %d digits",
			       place, CODE_LEN);
	if (is_simple(number->code))
		return err_set(err,
			       "[test_numbers] codes: the code of item %zu is too simple; take %d "
			       "different digits or more, and no run of them",
			       place, CODE_DIGITS_MIN);
	return true;
}

/* The end of that day, UTC. */
static bool read_day(const char *text, int64_t *end_ms_out)
{
	struct tm day = { 0 };
	const char *rest =
		strlen(text) == strlen("2026-01-01") ? strptime(text, "%Y-%m-%d", &day) : NULL;

	if (!rest || *rest)
		return false;
	*end_ms_out = (int64_t)timegm(&day) * 1000 + DAY_MS;
	return true;
}

static bool read_all(struct test_numbers *numbers, const struct test_number_settings *settings,
		     int64_t now_ms, struct err *err)
{
	size_t n = 0;

	while (settings->codes[n])
		n++;
	if (n == 0)
		return true;
	if (!read_day(settings->expires, &numbers->end_ms))
		return err_set(err, "[test_numbers] expires: the last day is missing, or not "
				    "written as YYYY-MM-DD");
	if (numbers->end_ms > now_ms + AHEAD_MAX_MS)
		return err_set(err, "[test_numbers] expires: more than a year ahead");
	numbers->items = xcalloc(n, sizeof(*numbers->items));
	for (; numbers->n_items < n; numbers->n_items++) {
		size_t i = numbers->n_items;

		if (!read_item(&numbers->items[i], settings->codes[i], i + 1, err))
			return false;
	}
	return true;
}

struct test_numbers *test_numbers_new(const struct test_number_settings *settings, int64_t now_ms,
				      struct err *err)
{
	struct test_numbers *numbers = xcalloc(1, sizeof(*numbers));

	numbers->expires = settings->expires;
	numbers->may_share = settings->may_share;
	if (read_all(numbers, settings, now_ms, err))
		return numbers;
	test_numbers_free(numbers);
	return NULL;
}

void test_numbers_free(struct test_numbers *numbers)
{
	if (numbers)
		free(numbers->items);
	free(numbers);
}

void test_numbers_log(const struct test_numbers *numbers, int64_t now_ms)
{
	if (numbers->n_items == 0)
		return;
	if (now_ms < numbers->end_ms)
		log_warn("test numbers: %zu sign in with a fixed code and without a message, "
			 "until %s",
			 numbers->n_items, numbers->expires);
	else
		log_warn("test numbers: their time was over after %s, so these %zu sign in no more",
			 numbers->expires, numbers->n_items);
}

/* ---- Look-up ---- */

static const struct test_number *find(const struct test_numbers *numbers, const char *subject)
{
	for (size_t i = 0; numbers && i < numbers->n_items; i++) {
		if (strcmp(numbers->items[i].subject, subject) == 0)
			return &numbers->items[i];
	}
	return NULL;
}

bool test_number_is(const struct test_numbers *numbers, const char *subject)
{
	return find(numbers, subject) != NULL;
}

static bool is_over(const struct test_numbers *numbers)
{
	return clock_now_ms() >= numbers->end_ms;
}

int32_t test_number_may_begin(const struct pintle_call *call, const char *subject)
{
	const struct test_numbers *numbers = call->host->test_numbers;
	bool is_sign_in = call->purpose == PINTLE_LOGIN || call->purpose == PINTLE_REGISTER;

	if (!test_number_is(numbers, subject) || (is_sign_in && !is_over(numbers)))
		return PINTLE_OK;
	return PINTLE_FORBIDDEN;
}

const char *test_number_code(const struct pintle_call *call, const char *subject)
{
	const struct test_number *number = find(call->host->test_numbers, subject);

	return number && test_number_may_begin(call, subject) == PINTLE_OK ? number->code : NULL;
}

/* ---- Use ---- */

struct others {
	const struct test_numbers *numbers;
	const char *uuid;
	bool has_any;
};

/* What has the account's own uuid for a subject is no other way to name it. */
static int32_t look_at_identity(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	struct others *others = ctx;

	(void)n_cols;
	if (!test_number_is(others->numbers, cols[0].ptr) && strcmp(cols[0].ptr, others->uuid) != 0)
		others->has_any = true;
	return PINTLE_OK;
}

static int32_t may_sign_in(struct pintle_call *call)
{
	const struct test_numbers *numbers = call->host->test_numbers;
	int64_t account_id = call->outcome.counted_account.id;
	struct others others = { .numbers = numbers, .uuid = call->outcome.counted_account.uuid };
	int32_t status;

	if (is_over(numbers))
		return PINTLE_EXPIRED;
	if (account_id == 0 || numbers->may_share)
		return PINTLE_OK;
	status = db_each(&call->tx, "SELECT subject FROM user_identities WHERE user_id = ?",
			 DB_PARAMS(db_int(account_id)), look_at_identity, &others);
	if (status != PINTLE_OK)
		return status;
	return others.has_any ? PINTLE_FORBIDDEN : PINTLE_OK;
}

int32_t test_number_admit(struct pintle_call *call)
{
	const struct flow *flow = &call->flow;
	char masked[IDENTIFIER_MAX];
	struct audit_entry entry = { .actor_kind = "system",
				     .action = "test_number.used",
				     .target = masked,
				     .ip = call->request->client_text,
				     .request_id = call->request->id };
	int32_t status, written;

	if (!test_number_is(call->host->test_numbers, flow->target))
		return PINTLE_OK;
	status = may_sign_in(call);
	if (PINTLE_IS_FAULT(status))
		return status;
	entry.result = status == PINTLE_OK ? "success" : "refused";
	mask_subject(flow->target_ns, flow->target, masked);
	written = audit_write(&call->tx, &entry);
	return written == PINTLE_OK ? status : written;
}
