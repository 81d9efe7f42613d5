/* SPDX-License-Identifier: Apache-2.0 */
#include "redis_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int contract(void)
{
	struct redis_store store = { 0 };
	int n_failed;

	redis_server_start(&store.server, "");
	(void)redis_store_open(&store, NULL);
	n_failed = kv_contract_run(&store.kv);
	redis_store_close(&store);
	redis_server_fini(&store.server);
	return n_failed;
}

int main(void)
{
	return contract();
}
