/* SPDX-License-Identifier: Apache-2.0 */
#include "tls.h"

#include "xalloc.h"

#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

struct tls {
	SSL_CTX *ctx;
};

static bool refuse(struct err *err, const char *path, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	return err_set(err, "%s: %s: %s", path, what, reason ? reason : "unknown reason");
}

static bool load(SSL_CTX *ctx, const char *cert_path, const char *key_path, struct err *err)
{
	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(ctx, cert_path) != 1)
		return refuse(err, cert_path, "cannot use the certificate");
	/* Compares the key with the certificate, too. */
	if (SSL_CTX_use_PrivateKey_file(ctx, key_path, SSL_FILETYPE_PEM) != 1)
		return refuse(err, key_path, "cannot use the private key");
	return true;
}

struct tls *tls_new(const char *cert_path, const char *key_path, struct err *err)
{
	struct tls *tls = xcalloc(1, sizeof(*tls));

	tls->ctx = SSL_CTX_new(TLS_server_method());
	if (!tls->ctx)
		out_of_memory();
	SSL_CTX_set_min_proto_version(tls->ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(tls->ctx, SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(tls->ctx, SSL_MODE_RELEASE_BUFFERS); /* idle connections stay small */
	if (!load(tls->ctx, cert_path, key_path, err)) {
		tls_free(tls);
		return NULL;
	}
	return tls;
}

void tls_free(struct tls *tls)
{
	if (!tls)
		return;
	SSL_CTX_free(tls->ctx);
	free(tls);
}

struct bufferevent *tls_accept(struct tls *tls, struct event_base *base, int fd)
{
	SSL *ssl = SSL_new(tls->ctx);
	struct bufferevent *bev;

	if (!ssl)
		return NULL;
	bev = bufferevent_openssl_socket_new(base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING,
					     BEV_OPT_CLOSE_ON_FREE);
	if (!bev) {
		SSL_free(ssl);
		return NULL;
	}
	bufferevent_openssl_set_allow_dirty_shutdown(bev, 1); /* every length is in the head */
	return bev;
}

void tls_say_goodbye(struct bufferevent *bev)
{
	SSL *ssl = bufferevent_openssl_get_ssl(bev);

	if (!SSL_is_init_finished(ssl))
		return;
	(void)SSL_shutdown(ssl); /* one try: who does not take it is cut off */
	ERR_clear_error();       /* else the next connection would find the failure of this one */
}
