/* SPDX-License-Identifier: Apache-2.0 */
#include "op.h"

#include "asking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct request *asked_by(struct asking *api, const char *realm)
{
	struct request *request = asking_prepare(api, NULL);

	request->who.is_known = realm != NULL;
	if (realm)
		(void)snprintf(request->who.session.realm, sizeof(request->who.session.realm), "%s",
			       realm);
	return request;
}

/* Numbers of accounts are counted per realm: the same one is somebody else. */
static void a_purpose_of_an_account_is_for_users(void **state)
{
	static const struct {
		int32_t purpose;
		const char *realm, *error; /* NULL: may have it */
	} cases[] = {
		{ PINTLE_LOGIN, NULL, NULL },
		{ PINTLE_LOGIN, "staff", NULL },
		{ PINTLE_RESET, "staff", NULL },
		{ PINTLE_BIND, "user", NULL },
		{ PINTLE_CHANGE, "user", NULL },
		{ PINTLE_BIND, NULL, "unauthorized" },
		{ PINTLE_CHANGE, NULL, "unauthorized" },
		{ PINTLE_BIND, "staff", "forbidden" },
		{ PINTLE_CHANGE, "staff", "forbidden" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct request *request = asked_by(*state, cases[i].realm);
		bool may = op_may_have_purpose(request, cases[i].purpose);

		if (may != (cases[i].error == NULL))
			fail_msg("case %zu: %d", i, (int)may);
		if (!may)
			assert_string_equal(request->answer.error, cases[i].error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_purpose_of_an_account_is_for_users, asking_setup,
						asking_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
