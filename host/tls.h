/* SPDX-License-Identifier: Apache-2.0 */
/* TLS of a listener: certificate and key from PEM files, TLS 1.2 or newer, OpenSSL's defaults. */
#ifndef TLS_H
#define TLS_H

#include "err.h"

struct tls;
struct bufferevent;
struct event_base;

/* Reads both files; the message says which cannot be used and why. */
struct tls *tls_new(const char *cert_path, const char *key_path, struct err *err);
void tls_free(struct tls *tls);
/* [loop] A server-side bufferevent on fd, which it owns; NULL when OpenSSL gives none. */
struct bufferevent *tls_accept(struct tls *tls, struct event_base *base, int fd);
/* [loop] Tells the client that nothing follows, as far as it can be told without waiting. */
void tls_say_goodbye(struct bufferevent *bev);

#endif
