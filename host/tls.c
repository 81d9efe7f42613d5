/* SPDX-License-Identifier: Apache-2.0 */
#include "tls.h"

#include "file.h"
#include "xalloc.h"

#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#define PEM_MAX (256 * 1024) /* bytes of a file; a chain of three has about 6,000 */

struct tls {
	SSL_CTX *ctx;
};

static bool refuse(struct err *err, const char *path, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	return err_set(err, "%s: %s: %s", path, what, reason ? reason : "unknown reason");
}

/* ---- Reading ---- */

static void free_pem(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

static char *read_pem(const char *path, struct err *err)
{
	mode_t mode;
	size_t len = 0;
	char *text = file_read(path, PEM_MAX, &len, &mode, err);

	if (!text || memchr(text, '\0', len) == NULL)
		return text;
	(void)err_set(err, "%s: not in PEM", path);
	explicit_bzero(text, len);
	free(text);
	return NULL;
}

bool tls_pem_read(struct tls_pem *pem, const char *cert_path, const char *key_path, struct err *err)
{
	*pem = (struct tls_pem){ .cert = read_pem(cert_path, err) };
	if (!pem->cert)
		return false;
	pem->key = read_pem(key_path, err);
	if (!pem->key)
		tls_pem_fini(pem);
	return pem->key != NULL;
}

void tls_pem_fini(struct tls_pem *pem)
{
	free_pem(&pem->cert);
	free_pem(&pem->key);
}

/* ---- Using ---- */

static BIO *text_bio(const char *text)
{
	BIO *bio = BIO_new_mem_buf(text, -1);

	if (!bio)
		out_of_memory();
	return bio;
}

/* A key with a passphrase is refused: nobody is there to type it. */
static int no_passphrase(char *out, int size, int is_writing, void *arg)
{
	(void)out;
	(void)size;
	(void)is_writing;
	(void)arg;
	return -1;
}

/* What follows the certificate, up to the end of the text. */
static bool add_chain(SSL_CTX *ctx, BIO *bio)
{
	X509 *cert;

	while ((cert = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL))) {
		if (SSL_CTX_add0_chain_cert(ctx, cert) != 1) {
			X509_free(cert);
			return false;
		}
	}
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return false;
	ERR_clear_error();
	return true;
}

static bool use_cert(SSL_CTX *ctx, const char *text)
{
	BIO *bio = text_bio(text);
	X509 *cert = PEM_read_bio_X509_AUX(bio, NULL, no_passphrase, NULL);
	bool ok = cert && SSL_CTX_use_certificate(ctx, cert) == 1 && add_chain(ctx, bio);

	X509_free(cert);
	BIO_free(bio);
	return ok;
}

static bool use_key(SSL_CTX *ctx, const char *text)
{
	BIO *bio = text_bio(text);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	bool ok = key && SSL_CTX_use_PrivateKey(ctx, key) == 1;

	EVP_PKEY_free(key);
	BIO_free(bio);
	return ok;
}

static bool use(SSL_CTX *ctx, const struct tls_pem *pem, const char *cert_path,
		const char *key_path, struct err *err)
{
	ERR_clear_error();
	if (!use_cert(ctx, pem->cert))
		return refuse(err, cert_path, "cannot use the certificate");
	/* Compares the key with the certificate, too. */
	if (!use_key(ctx, pem->key))
		return refuse(err, key_path, "cannot use the private key");
	return true;
}

struct tls *tls_new(const struct tls_pem *pem, const char *cert_path, const char *key_path,
		    struct err *err)
{
	struct tls *tls = xcalloc(1, sizeof(*tls));

	tls->ctx = SSL_CTX_new(TLS_server_method());
	if (!tls->ctx)
		out_of_memory();
	SSL_CTX_set_min_proto_version(tls->ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(tls->ctx, SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(tls->ctx, SSL_MODE_RELEASE_BUFFERS); /* idle connections stay small */
	if (!use(tls->ctx, pem, cert_path, key_path, err)) {
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
