/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS of a listener: certificate and key in PEM, TLS 1.2 or newer, OpenSSL's defaults. Reading the files
 * and using what was read are two steps, since only the checker reads files: what a worker uses is in
 * its snapshot.
 */
#ifndef TLS_H
#define TLS_H

#include "err.h"

struct tls;
struct bufferevent;
struct event_base;

/* Zeroed: none. */
struct tls_pem {
	char *cert, *key; /* whole files as text; the certificate's chain follows it */
};

/* Both files as they are now. False with a reason that names the file, and nothing in pem. */
bool tls_pem_read(struct tls_pem *pem, const char *cert_path, const char *key_path,
		  struct err *err);
void tls_pem_fini(struct tls_pem *pem); /* wipes them */

/* The paths are for the message, which says what of the two cannot be used and why. */
struct tls *tls_new(const struct tls_pem *pem, const char *cert_path, const char *key_path,
		    struct err *err);
void tls_free(struct tls *tls);
/* [loop] A server-side bufferevent on fd, which it owns; NULL when OpenSSL gives none. */
struct bufferevent *tls_accept(struct tls *tls, struct event_base *base, int fd);
/* [loop] Tells the client that nothing follows, as far as it can be told without waiting. */
void tls_say_goodbye(struct bufferevent *bev);

#endif
