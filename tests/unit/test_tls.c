/* SPDX-License-Identifier: Apache-2.0 */
#include "edge_server.h"
#include "scratch.h"
#include "tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
/* After the standard headers it builds on. */
#include <cmocka.h>

struct files {
	char dir[SCRATCH_MAX];
	char cert[SCRATCH_MAX + 16], key[SCRATCH_MAX + 16], other_key[SCRATCH_MAX + 16];
	char none[SCRATCH_MAX + 16];
	char chain[SCRATCH_MAX + 16]; /* the certificate and two more */
	char half[SCRATCH_MAX + 16];  /* the chain, as a copy that is not finished */
	char locked_key[SCRATCH_MAX + 16], nul[SCRATCH_MAX + 16];
};

static char got[64 * 1024];

static EVP_PKEY *write_key(const char *path)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	FILE *file = fopen(path, "we");

	assert_non_null(key);
	assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
	(void)fclose(file);
	return key;
}

static void write_cert(const char *path, EVP_PKEY *key)
{
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);
	FILE *file = fopen(path, "we");

	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1,
				   -1, 0);
	X509_set_issuer_name(cert, name);
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_X509(file, cert), 1);
	(void)fclose(file);
	X509_free(cert);
}

/* The bytes of from so many times, then cut to a part. */
static void copy_file(const char *from, const char *to, double part, int times)
{
	char bytes[8192];
	FILE *in = fopen(from, "re"), *out = fopen(to, "we");
	size_t len = fread(bytes, 1, sizeof(bytes), in);

	for (int i = 0; i < times; i++)
		assert_int_equal(fwrite(bytes, 1, len, out), len);
	(void)fflush(out);
	assert_int_equal(ftruncate(fileno(out), (off_t)((double)ftell(out) * part)), 0);
	(void)fclose(in);
	(void)fclose(out);
}

static void write_locked_key(const char *path, EVP_PKEY *key)
{
	FILE *file = fopen(path, "we");

	assert_int_equal(PEM_write_PrivateKey(file, key, EVP_aes_256_cbc(),
					      (const unsigned char *)"secret", 6, NULL, NULL),
			 1);
	(void)fclose(file);
}

static void write_nul(const char *path)
{
	FILE *file = fopen(path, "we");

	assert_int_equal(fwrite("a\0b", 1, 3, file), 3);
	(void)fclose(file);
}

static int make_files(void **state)
{
	struct files *files = calloc(1, sizeof(*files));
	EVP_PKEY *key;

	scratch_make(files->dir);
	(void)sprintf(files->cert, "%s/cert.pem", files->dir);
	(void)sprintf(files->key, "%s/key.pem", files->dir);
	(void)sprintf(files->other_key, "%s/other.pem", files->dir);
	(void)sprintf(files->none, "%s/none.pem", files->dir);
	(void)sprintf(files->chain, "%s/chain.pem", files->dir);
	(void)sprintf(files->half, "%s/half.pem", files->dir);
	(void)sprintf(files->locked_key, "%s/locked.pem", files->dir);
	(void)sprintf(files->nul, "%s/nul.pem", files->dir);
	key = write_key(files->key);
	write_cert(files->cert, key);
	copy_file(files->cert, files->chain, 1, 3);
	copy_file(files->chain, files->half, 0.9, 1);
	write_locked_key(files->locked_key, key);
	write_nul(files->nul);
	EVP_PKEY_free(key);
	EVP_PKEY_free(write_key(files->other_key));
	*state = files;
	return 0;
}

static int remove_files(void **state)
{
	struct files *files = *state;

	scratch_remove(files->dir);
	free(files);
	return 0;
}

/* As the checker reads and a worker uses them. */
static struct tls *make_tls(const char *cert, const char *key, struct err *err)
{
	struct tls_pem pem;
	struct tls *tls = NULL;

	if (tls_pem_read(&pem, cert, key, err))
		tls = tls_new(&pem, cert, key, err);
	tls_pem_fini(&pem);
	return tls;
}

static void bad_files_are_named(void **state)
{
	struct files *files = *state;
	const struct {
		const char *cert, *key, *named;
	} cases[] = {
		{ files->none, files->key, files->none },
		{ files->cert, files->none, files->none },
		{ files->cert, files->other_key, files->other_key },
		{ files->cert, files->cert, files->cert },
		{ files->key, files->key, files->key },
		{ files->half, files->key, files->half },
		{ files->cert, files->locked_key, files->locked_key },
		{ files->nul, files->key, files->nul },
		{ files->cert, files->nul, files->nul },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = { 0 };

		if (make_tls(cases[i].cert, cases[i].key, &err))
			fail_msg("case %zu was taken", i);
		if (strncmp(err.text, cases[i].named, strlen(cases[i].named)) != 0)
			fail_msg("case %zu: %s", i, err.text);
	}
	tls_free(NULL);
}

static struct edge *start(const struct files *files, struct tls **tls_out)
{
	struct err err = { 0 };

	*tls_out = make_tls(files->cert, files->key, &err);
	if (!*tls_out)
		fail_msg("%s", err.text);
	return edge_new(&edge_limits, *tls_out, NULL);
}

/* The status of the handshake; the connection in ssl_out, to be ended by hang_up. */
static int shake_hands(int fd, int max_version, SSL **ssl_out)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	SSL_CTX_set_security_level(ctx, 0); /* else the client itself would refuse old versions */
	SSL_CTX_set_max_proto_version(ctx, max_version);
	*ssl_out = SSL_new(ctx);
	SSL_CTX_free(ctx);
	SSL_set_fd(*ssl_out, fd);
	return SSL_connect(*ssl_out);
}

static void hang_up(SSL *ssl, int fd)
{
	SSL_free(ssl);
	close(fd);
}

static size_t read_all(SSL *ssl)
{
	size_t len = 0, n;

	while (len < sizeof(got) - 1 && SSL_read_ex(ssl, got + len, sizeof(got) - 1 - len, &n) == 1)
		len += n;
	got[len] = '\0';
	return len;
}

static void requests_are_served(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	static const char requests[] = GET("/one") GET("/two") GET("/close");
	struct tls *tls;
	struct edge *edge = start(*state, &tls);

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		int fd = edge_connect(edge);
		SSL *ssl;

		assert_int_equal(shake_hands(fd, versions[i], &ssl), 1);
		assert_int_equal(SSL_version(ssl), versions[i]);
		assert_int_equal(SSL_write(ssl, requests, sizeof(requests) - 1),
				 sizeof(requests) - 1);
		(void)read_all(ssl);
		assert_true(strstr(got, "/oneHTTP") < strstr(got, "/twoHTTP"));
		assert_non_null(strstr(got, "\r\n\r\n/close"));
		assert_int_equal(SSL_get_shutdown(ssl), SSL_RECEIVED_SHUTDOWN);
		hang_up(ssl, fd);
	}
	edge_free(edge);
	tls_free(tls);
}

static void the_chain_goes_with_the_certificate(void **state)
{
	const struct files *files = *state;
	struct err err = { 0 };
	struct tls *tls = make_tls(files->chain, files->key, &err);
	struct edge *edge = edge_new(&edge_limits, tls, NULL);
	int fd = edge_connect(edge);
	SSL *ssl;

	assert_int_equal(shake_hands(fd, TLS1_3_VERSION, &ssl), 1);
	assert_int_equal(sk_X509_num(SSL_get_peer_cert_chain(ssl)), 3);
	hang_up(ssl, fd);
	edge_wait_idle(edge);
	edge_free(edge);
	tls_free(tls);
}

static void a_big_answer_arrives_whole(void **state)
{
	static const char request[] = GET("/big");
	struct tls *tls;
	struct edge *edge = start(*state, &tls);
	int fd = edge_connect(edge);
	size_t len = 0, n;
	SSL *ssl;

	assert_int_equal(shake_hands(fd, TLS1_3_VERSION, &ssl), 1);
	assert_int_equal(SSL_write(ssl, request, sizeof(request) - 1), sizeof(request) - 1);
	while (len < EDGE_BIG_BODY && SSL_read_ex(ssl, got, sizeof(got), &n) == 1)
		len += n;
	assert_true(len >= EDGE_BIG_BODY);
	hang_up(ssl, fd);
	edge_wait_idle(edge);
	edge_free(edge);
	tls_free(tls);
}

static void old_versions_and_plain_text_are_refused(void **state)
{
	struct tls *tls;
	struct edge *edge = start(*state, &tls);
	int fd = edge_connect(edge);
	SSL *ssl;

	assert_int_not_equal(shake_hands(fd, TLS1_1_VERSION, &ssl), 1);
	ERR_clear_error();
	hang_up(ssl, fd);
	fd = edge_connect(edge);
	edge_send(fd, GET("/hello"));
	(void)edge_read_all(fd, got, sizeof(got));
	assert_null(strstr(got, "/hello"));
	close(fd);
	edge_wait_idle(edge);
	edge_free(edge);
	tls_free(tls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_files_are_named),
		cmocka_unit_test(requests_are_served),
		cmocka_unit_test(the_chain_goes_with_the_certificate),
		cmocka_unit_test(a_big_answer_arrives_whole),
		cmocka_unit_test(old_versions_and_plain_text_are_refused),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
