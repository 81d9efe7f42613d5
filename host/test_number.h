/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Test numbers: phone numbers and e-mail addresses whose code an operator has set, so that reviewers of an
 * app store, whom no message reaches, can sign in. Nothing is ever sent to them. Their code signs in and
 * signs up and does nothing else, to an account that has no other identity, until a day that must be
 * named.
 */
#ifndef TEST_NUMBER_H
#define TEST_NUMBER_H

#include "call.h"
#include "err.h"
#include "settings.h"

struct test_numbers;

/* NULL and a reason: what is no identifier, a code that is none or too simple, a day that is missing, no
 * day or more than a year ahead. No codes is fine. */
struct test_numbers *test_numbers_new(const struct test_number_settings *settings, int64_t now_ms,
				      struct err *err);
void test_numbers_free(struct test_numbers *numbers);
/* [any] Tells the log, so that nobody forgets them. */
void test_numbers_log(const struct test_numbers *numbers, int64_t now_ms);
/* [any] Whether a canonical identifier is one of them, also when their time is over. numbers NULL: none. */
bool test_number_is(const struct test_numbers *numbers, const char *subject);

/* [worker] In a begin that is about subject: OK; FORBIDDEN for a test number with another purpose, or whose
 * time is over. */
int32_t test_number_may_begin(const struct pintle_call *call, const char *subject);
/* [worker] The code of a test number that may begin; NULL for all others. Lent from the settings. */
const char *test_number_code(const struct pintle_call *call, const char *subject);
/* [worker] The right code has come back, and its flow not been consumed. OK for ordinary flows. For a test
 * number with a line in the audit log: OK; EXPIRED; FORBIDDEN when the account has other identities; or a
 * fault. */
int32_t test_number_admit(struct pintle_call *call);

#endif
