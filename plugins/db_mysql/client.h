/* SPDX-License-Identifier: Apache-2.0 */
/* What MariaDB's and Oracle's client libraries do not have in common. */
#ifndef CLIENT_H
#define CLIENT_H

#include "guard.h"

#if __has_include(<mariadb/mysql.h>)
#include <mariadb/mysql.h>
#else
#include <mysql/mysql.h>
#endif

/* my_bool, or bool where that has gone. */
typedef __typeof__(*((MYSQL_BIND *)0)->is_null) client_bool;

void client_set_tls(MYSQL *mysql, const struct conf *conf);

/*
 * mysql_real_connect within a deadline; the watch has its fd afterwards, and stays armed. With Oracle's
 * library connect_timeout alone bounds it, in whole seconds. NULL: see mysql_errno. The calling thread
 * may be inside the library's look-up of the name for as long as the system lets it.
 */
struct client_target {
	const char *name;
	unsigned port;
	struct guard *guard;
	struct guard_watch *watch;
	int64_t deadline_ms;
};
MYSQL *client_connect(MYSQL *mysql, const struct conf *conf, struct client_target *target);

#endif
