/* SPDX-License-Identifier: Apache-2.0 */
#include "resolve.h"

#include "clock.h"

#include <dlfcn.h>
#include <netdb.h>
#include <pintle/status.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
/* After the standard headers it builds on. */
#include <cmocka.h>

typedef int getaddrinfo_fn(const char *, const char *, const struct addrinfo *, struct addrinfo **);

#define MANY 40

static struct {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool is_open;
	int n_inside;
} gate = { .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static void pass_gate(void)
{
	(void)pthread_mutex_lock(&gate.mutex);
	gate.n_inside++;
	while (!gate.is_open)
		(void)pthread_cond_wait(&gate.changed, &gate.mutex);
	gate.n_inside--;
	(void)pthread_cond_broadcast(&gate.changed);
	(void)pthread_mutex_unlock(&gate.mutex);
}

static void open_gate(void)
{
	(void)pthread_mutex_lock(&gate.mutex);
	gate.is_open = true;
	(void)pthread_cond_broadcast(&gate.changed);
	while (gate.n_inside > 0)
		(void)pthread_cond_wait(&gate.changed, &gate.mutex);
	gate.is_open = false;
	(void)pthread_mutex_unlock(&gate.mutex);
}

/* Stands before the system's: some names here are answered without asking anybody. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
		struct addrinfo **found)
{
	getaddrinfo_fn *real = (getaddrinfo_fn *)dlsym(RTLD_NEXT, "getaddrinfo");

	if (hints->ai_flags & AI_NUMERICHOST)
		return real(name, service, hints, found);
	if (strcmp(name, "slow.test") == 0)
		pass_gate();
	if (strcmp(name, "none.test") == 0)
		return EAI_NONAME;
	if (strcmp(name, "again.test") == 0)
		return EAI_AGAIN;
	if (strcmp(name, "slow.test") == 0)
		return real("192.0.2.7", service, hints, found);
	return real(name, service, hints, found);
}

static void numbers_are_their_own_address(void **state)
{
	char out[64];

	(void)state;
	assert_int_equal(resolve_name("192.0.2.1", 1000, out, sizeof(out)), PINTLE_OK);
	assert_string_equal(out, "192.0.2.1");
	assert_int_equal(resolve_name("2001:db8::1", 1000, out, sizeof(out)), PINTLE_OK);
	assert_string_equal(out, "2001:db8::1");
	assert_int_equal(resolve_name("192.0.2.1", 1000, out, 9), PINTLE_NOT_FOUND);
	assert_int_equal(resolve_name("192.0.2.1", 1000, out, 10), PINTLE_OK);
}

static void names_are_looked_up(void **state)
{
	char out[128];

	(void)state;
	assert_int_equal(resolve_name("localhost", 20000, out, sizeof(out)), PINTLE_OK);
	assert_true(strstr(out, "127.0.0.1") || strstr(out, "::1"));
	assert_int_equal(resolve_name("none.test", 20000, out, sizeof(out)), PINTLE_NOT_FOUND);
	assert_int_equal(resolve_name("again.test", 20000, out, sizeof(out)), PINTLE_UNAVAILABLE);
}

static void a_slow_one_is_left_behind(void **state)
{
	int64_t begun_ms = clock_mono_ms();
	char out[64];

	(void)state;
	assert_int_equal(resolve_name("slow.test", 50, out, sizeof(out)), PINTLE_TIMEOUT);
	assert_true(clock_mono_ms() - begun_ms >= 50);
	open_gate();
}

static void few_are_left_behind(void **state)
{
	bool is_refused = false;
	char out[64];

	(void)state;
	for (int i = 0; i < MANY && !is_refused; i++)
		is_refused = resolve_name("slow.test", 1, out, sizeof(out)) == PINTLE_UNAVAILABLE;
	assert_true(is_refused);
	assert_int_equal(resolve_name("192.0.2.1", 1000, out, sizeof(out)), PINTLE_OK);
	open_gate();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_their_own_address),
		cmocka_unit_test(names_are_looked_up),
		cmocka_unit_test(a_slow_one_is_left_behind),
		cmocka_unit_test(few_are_left_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
