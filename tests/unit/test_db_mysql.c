/* SPDX-License-Identifier: Apache-2.0 */
/* The contract, and what a store behind a network adds to it. */
#include "mysql_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct mysql_server server;

int main(void)
{
	struct mysql_store store;
	int n_failed;

	mysql_server_start(&server, "");
	if (!mysql_store_open(&store, &server, NULL))
		return 1;
	n_failed = db_contract_run(&store.db);
	if (n_failed > 0)
		print_message("%s\n", fake_host_last_line(store.host));
	mysql_store_close(&store);
	mysql_server_free(&server);
	return n_failed;
}
