/* SPDX-License-Identifier: Apache-2.0 */
/* A MariaDB of this test program's own, and databases of db_mysql in it. */
#ifndef MYSQL_STORE_H
#define MYSQL_STORE_H

#include "db_contract.h"
#include "fake_host.h"

#include <stdbool.h>
#include <sys/types.h>

/* One server; zeroed is none. */
struct mysql_server {
	char *dir;
	char socket[128];
	int port;
	pid_t pid;
};

/* options are more of mariadbd's, "" for none. Started again on what mysql_server_stop left it has the
 * same port and data. Fails the program when it does not start. */
void mysql_server_start(struct mysql_server *server, const char *options);
void mysql_server_stop(struct mysql_server *server);
/* Ends it if need be, and removes its folder. */
void mysql_server_free(struct mysql_server *server);
/* It answers nothing from here on, until it thaws; the system still takes connections for it. */
void mysql_server_freeze(const struct mysql_server *server);
void mysql_server_thaw(const struct mysql_server *server);
/* A statement of root, without double quotes. */
void mysql_server_tell(const struct mysql_server *server, const char *sql);

struct mysql_store {
	const struct mysql_server *server;
	char name[32]; /* of its database */
	char *dir;
	struct fake_host *host;
	const struct pintle_plugin *plugin;
	struct db_under_test db;
};

/* A fresh database, with options ("key", "value", …, NULL; may be NULL) over those that lead there. */
bool mysql_store_open(struct mysql_store *store, const struct mysql_server *server,
		      const char *const *options);
/* Another instance on the database of first. */
bool mysql_store_beside(struct mysql_store *store, const struct mysql_store *first,
			const char *const *options);
/* Closes the instance; the database stays, and mysql_store_again opens it without options. */
void mysql_store_close(struct mysql_store *store);
bool mysql_store_again(struct mysql_store *store);

/* cmocka's setup and teardown: a fresh database with the table of db_test_make_table. The state before is
 * the server, the one after it the store. */
int mysql_store_setup(void **state);
int mysql_store_teardown(void **state);
#define MYSQL_STORE_TEST(test, server)                                                             \
	cmocka_unit_test_prestate_setup_teardown(test, mysql_store_setup, mysql_store_teardown,    \
						 server)

/* A transaction; fails the test when there is none within DB_TEST_MS. */
struct pintle_tx *mysql_store_begin(const struct mysql_store *store);
/* How many descriptors the program has open: one more for each connection. */
int mysql_store_descriptors(void);

#endif
