/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

static void set_files(MYSQL *mysql, const struct conf *conf)
{
	const struct {
		enum mysql_option option;
		const char *path;
	} files[] = {
		{ MYSQL_OPT_SSL_CA, conf->tls_ca },
		{ MYSQL_OPT_SSL_CERT, conf->tls_cert },
		{ MYSQL_OPT_SSL_KEY, conf->tls_key },
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (*files[i].path)
			(void)mysql_options(mysql, files[i].option, files[i].path);
	}
}

static void watch_socket(struct guard_watch *watch, int fd)
{
	if (watch->fd < 0)
		watch->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

#ifdef LIBMARIADB

static int socket_of(MYSQL *mysql)
{
	return (int)mysql_get_socket(mysql);
}

void client_set_tls(MYSQL *mysql, const struct conf *conf)
{
	client_bool must_have = conf->tls != TLS_OFF, must_match = conf->tls == TLS_VERIFY;

	if (must_have)
		set_files(mysql, conf);
	(void)mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &must_have);
	(void)mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &must_match);
}

/* The connection this thread is making: the library hands its socket to no one else, and nothing but
 * the socket. NULL once that is done. */
static _Thread_local struct client_target *connecting;

/* The library's own time-out is not looked at: it counts from the last byte, in whole seconds. Outside
 * of connecting the guard ends the wait. */
static int wait_for_socket(my_socket fd, client_bool is_read, int timeout_ms)
{
	struct pollfd one = { .fd = fd, .events = is_read ? POLLIN : POLLOUT };
	struct client_target *target = connecting;
	int rc;

	(void)timeout_ms;
	if (target && target->watch->fd < 0) {
		watch_socket(target->watch, fd);
		if (target->watch->fd < 0 ||
		    !guard_arm(target->guard, target->watch, target->deadline_ms))
			return -1;
	}
	do
		rc = poll(&one, 1, -1);
	while (rc < 0 && errno == EINTR);
	return rc;
}

static void begin_connect(MYSQL *mysql, struct client_target *target)
{
	int (*wait)(my_socket, client_bool, int) = wait_for_socket;

	(void)mysql_optionsv(mysql, MARIADB_OPT_IO_WAIT, *(void **)&wait);
	connecting = target;
}

static void end_connect(void)
{
	connecting = NULL;
}

#else

static int socket_of(MYSQL *mysql)
{
	return (int)mysql->net.fd;
}

void client_set_tls(MYSQL *mysql, const struct conf *conf)
{
	static const enum mysql_ssl_mode modes[] = {
		[TLS_OFF] = SSL_MODE_DISABLED,
		[TLS_REQUIRED] = SSL_MODE_REQUIRED,
		[TLS_VERIFY] = SSL_MODE_VERIFY_IDENTITY,
	};

	if (conf->tls != TLS_OFF)
		set_files(mysql, conf);
	(void)mysql_options(mysql, MYSQL_OPT_SSL_MODE, &modes[conf->tls]);
}

static void begin_connect(MYSQL *mysql, struct client_target *target)
{
	(void)mysql, (void)target;
}

static void end_connect(void)
{
}

#endif

MYSQL *client_connect(MYSQL *mysql, const struct conf *conf, struct client_target *target)
{
	const char *socket = *conf->socket ? conf->socket : NULL;
	unsigned protocol = socket ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
	MYSQL *made;

	/* Else "localhost" would mean the library's own idea of a Unix socket. */
	(void)mysql_options(mysql, MYSQL_OPT_PROTOCOL, &protocol);
	begin_connect(mysql, target);
	made = mysql_real_connect(mysql, socket ? NULL : target->name, conf->user, conf->password,
				  conf->database, target->port, socket, CLIENT_FOUND_ROWS);
	end_connect();
	if (!made)
		return NULL;
	if (target->watch->fd < 0) {
		watch_socket(target->watch, socket_of(mysql));
		(void)guard_arm(target->guard, target->watch, target->deadline_ms);
	}
	return made;
}
