/* SPDX-License-Identifier: Apache-2.0 */
/* Encrypted connections: which servers are believed, and that deadlines hold on them too. */
#include "mysql_store.h"
#include "scratch.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pintle/status.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define IS_ENCRYPTED                                                                               \
	"SELECT variable_value <> '' FROM information_schema.session_status "                      \
	"WHERE variable_name = 'Ssl_cipher'"

static struct mysql_server server, plain;
static char dir[SCRATCH_MAX];

struct identity {
	EVP_PKEY *key;
	X509 *cert;
};

static const char *file(const char *name)
{
	static char paths[8][SCRATCH_MAX + 16];
	static int n;
	char *path = paths[n++ % 8];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s.pem", dir, name);
	return path;
}

static void add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(extension);
	assert_int_equal(X509_add_ext(cert, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

/* Signed by issuer, or by itself when that is NULL. */
static struct identity make(const char *name, const struct identity *issuer)
{
	struct identity made = { EVP_EC_gen("P-256"), X509_new() };
	X509_NAME *subject = X509_get_subject_name(made.cert);
	const struct identity *signer = issuer ? issuer : &made;

	(void)X509_set_version(made.cert, 2);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(made.cert), issuer ? 2 : 1);
	(void)X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name,
					 -1, -1, 0);
	(void)X509_set_issuer_name(made.cert, X509_get_subject_name(signer->cert));
	(void)X509_gmtime_adj(X509_getm_notBefore(made.cert), -60);
	(void)X509_gmtime_adj(X509_getm_notAfter(made.cert), 3600);
	(void)X509_set_pubkey(made.cert, made.key);
	if (issuer)
		add_extension(made.cert, NID_subject_alt_name, "DNS:localhost");
	else
		add_extension(made.cert, NID_basic_constraints, "critical,CA:TRUE");
	assert_true(X509_sign(made.cert, signer->key, EVP_sha256()) > 0);
	return made;
}

static void write_cert(const struct identity *identity, const char *path)
{
	FILE *out = fopen(path, "we");

	assert_non_null(out);
	assert_int_equal(PEM_write_X509(out, identity->cert), 1);
	(void)fclose(out);
}

static void write_key(const struct identity *identity, const char *path)
{
	FILE *out = fopen(path, "we");

	assert_non_null(out);
	assert_int_equal(PEM_write_PrivateKey(out, identity->key, NULL, NULL, 0, NULL, NULL), 1);
	(void)fclose(out);
}

static void identity_fini(struct identity *identity)
{
	EVP_PKEY_free(identity->key);
	X509_free(identity->cert);
}

static int start_servers(void **state)
{
	struct identity ca, other_ca, leaf;
	char options[4 * SCRATCH_MAX];

	(void)state;
	scratch_make(dir);
	ca = make("Test CA", NULL);
	other_ca = make("Other CA", NULL);
	leaf = make("db", &ca);
	write_cert(&ca, file("ca"));
	write_cert(&other_ca, file("other"));
	write_cert(&leaf, file("cert"));
	write_key(&leaf, file("key"));
	identity_fini(&ca);
	identity_fini(&other_ca);
	identity_fini(&leaf);
	(void)snprintf(options, sizeof(options), "--ssl-ca=%s --ssl-cert=%s --ssl-key=%s",
		       file("ca"), file("cert"), file("key"));
	mysql_server_start(&server, options);
	mysql_server_start(&plain, "");
	return 0;
}

static int stop_servers(void **state)
{
	(void)state;
	mysql_server_free(&server);
	mysql_server_free(&plain);
	scratch_remove(dir);
	return 0;
}

static int32_t ping(const struct mysql_store *store)
{
	return store->db.ops->ping(store->db.self, DB_TEST_MS);
}

static void who_is_believed(void **state)
{
	const struct {
		const struct mysql_server *server;
		const char *host, *tls, *ca;
		int32_t status;
		bool is_encrypted;
		const char *why;
	} cases[] = {
		{ &server, "localhost", "verify", "ca", PINTLE_OK, true, NULL },
		{ &server, "localhost", "verify", "other", PINTLE_UNAVAILABLE, false,
		  "certificate" },
		{ &server, "127.0.0.1", "verify", "ca", PINTLE_UNAVAILABLE, false, "certificate" },
		{ &server, "localhost", "required", NULL, PINTLE_OK, true, NULL },
		{ &server, "localhost", "off", NULL, PINTLE_OK, false, NULL },
		{ &plain, "localhost", "verify", "ca", PINTLE_UNAVAILABLE, false, "SSL" },
		{ &plain, "localhost", "required", NULL, PINTLE_UNAVAILABLE, false, "no TLS" },
		{ &plain, "localhost", "off", NULL, PINTLE_OK, false, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *const options[] = { "host",   cases[i].host,
						"tls",    cases[i].tls,
						"tls_ca", cases[i].ca ? file(cases[i].ca) : "",
						NULL };
		struct mysql_store store;
		int64_t is_encrypted = 0;
		int32_t status;

		assert_true(mysql_store_open(&store, cases[i].server, options));
		status = ping(&store);
		if (status != cases[i].status ||
		    (cases[i].why && !strcasestr(fake_host_last_line(store.host), cases[i].why)))
			fail_msg("case %zu: %d, %s", i, status, fake_host_last_line(store.host));
		if (status == PINTLE_OK)
			assert_int_equal(db_test_run(&store.db, NULL, IS_ENCRYPTED, &is_encrypted),
					 PINTLE_OK);
		if (is_encrypted != cases[i].is_encrypted)
			fail_msg("case %zu: encrypted %d", i, (int)is_encrypted);
		mysql_store_close(&store);
	}
}

/* Longer than the time-out of connecting, which must not be that of all that follows. */
static void deadlines_hold_when_encrypted(void **state)
{
	const char *const options[] = { "tls", "required", "connect_timeout", "1s", NULL };
	struct pintle_query query = { .size = sizeof(query), .timeout_ms = DB_TEST_MS };
	struct mysql_store store;

	(void)state;
	assert_true(mysql_store_open(&store, &server, options));
	query.sql = "SELECT sleep(1.5)";
	assert_int_equal(store.db.ops->query(store.db.self, NULL, &query), PINTLE_OK);
	query.sql = "SELECT sleep(60)";
	query.timeout_ms = 200;
	assert_int_equal(store.db.ops->query(store.db.self, NULL, &query), PINTLE_TIMEOUT);
	assert_int_equal(ping(&store), PINTLE_OK);
	mysql_store_close(&store);
}

static void the_contract_holds_when_encrypted(void **state)
{
	const char *const options[] = { "host",   "localhost", "tls", "verify",
					"tls_ca", file("ca"),  NULL };
	struct mysql_store store;

	(void)state;
	assert_true(mysql_store_open(&store, &server, options));
	assert_int_equal(db_contract_run(&store.db), 0);
	mysql_store_close(&store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_believed),
		cmocka_unit_test(deadlines_hold_when_encrypted),
		cmocka_unit_test(the_contract_holds_when_encrypted),
	};

	return cmocka_run_group_tests(tests, start_servers, stop_servers);
}
