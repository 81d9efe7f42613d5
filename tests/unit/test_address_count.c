/* SPDX-License-Identifier: Apache-2.0 */
#include "address_count.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* After the standard headers it builds on. */
#include <cmocka.h>

static struct address at(const char *text)
{
	struct address address;

	assert_true(address_parse(&address, slice_of(text)));
	return address;
}

static void each_address_has_its_own_maximum(void **state)
{
	struct address_counts counts = { 0 };
	struct address a = at("192.0.2.1"), b = at("192.0.2.2");

	(void)state;
	assert_true(address_count_in(&counts, &a, 2));
	assert_true(address_count_in(&counts, &a, 2));
	assert_false(address_count_in(&counts, &a, 2));
	assert_true(address_count_in(&counts, &b, 2));
	address_count_out(&counts, &a);
	assert_true(address_count_in(&counts, &a, 2));
	address_count_out(&counts, &a);
	address_count_out(&counts, &a);
	address_count_out(&counts, &b);
	assert_null(counts.root);
}

static void a_network_of_ipv6_is_one(void **state)
{
	struct address_counts counts = { 0 };
	struct address a = at("2001:db8::1"), b = at("2001:db8::2"), c = at("2001:db8:0:1::1");

	(void)state;
	assert_true(address_count_in(&counts, &a, 1));
	assert_false(address_count_in(&counts, &b, 1));
	assert_true(address_count_in(&counts, &c, 1));
	address_count_out(&counts, &b);
	address_count_out(&counts, &c);
	assert_null(counts.root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_address_has_its_own_maximum),
		cmocka_unit_test(a_network_of_ipv6_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
