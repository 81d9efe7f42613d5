/* SPDX-License-Identifier: Apache-2.0 */
/* One conversation with a mail server, and what its end means. [worker] */
#ifndef SMTP_H
#define SMTP_H

#include <pintle/host.h>

enum smtp_tls { SMTP_STARTTLS, SMTP_IMPLICIT, SMTP_PLAIN };

/* All lent. */
struct smtp_server {
	const char *host; /* a name or an address */
	int64_t port;
	enum smtp_tls tls;
	const char *ca_file;         /* empty: the system's */
	const char *user, *password; /* no user: no AUTH */
	const char *addresses;       /* of host, separated by a space: see resolve() of the host */
};

struct smtp_mail {
	const char *from, *to; /* addresses, checked */
	const char *text;      /* header and body with CRLF line ends */
	size_t len;
};

#define SMTP_WHY_MAX 128

/* A status of a sender; see pintle_sender. why: for the log, without anybody's address. */
int32_t smtp_send(const struct smtp_server *server, const struct smtp_mail *mail,
		  int64_t timeout_ms, char why[SMTP_WHY_MAX]);

#endif
