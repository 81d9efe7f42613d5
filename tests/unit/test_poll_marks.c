/* SPDX-License-Identifier: Apache-2.0 */
#include "poll_marks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define NOW_MS INT64_C(1000000)
#define REST_MS 500

static void one_flow_is_marked_so_often(void **state)
{
	struct poll_marks marks = { 0 };
	int n_taken = 0;

	(void)state;
	for (int64_t ms = 0; ms < 10 * REST_MS; ms++)
		n_taken += poll_marks_take(&marks, "flow1", NOW_MS + ms, REST_MS);
	assert_int_equal(n_taken, 10);
}

static void another_flow_is_none_of_its_business(void **state)
{
	struct poll_marks marks = { 0 };

	(void)state;
	for (int i = 0; i < 20 * POLL_MARKS; i++) {
		char id[32];

		(void)snprintf(id, sizeof(id), "flow%d", i);
		if (!poll_marks_take(&marks, id, NOW_MS, REST_MS))
			fail_msg("%s was refused", id);
		if (poll_marks_take(&marks, id, NOW_MS + REST_MS - 1, REST_MS))
			fail_msg("%s was taken twice", id);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_flow_is_marked_so_often),
		cmocka_unit_test(another_flow_is_none_of_its_business),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
