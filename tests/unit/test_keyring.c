/* SPDX-License-Identifier: Apache-2.0 */
#include "keyring.h"

#include "clock.h"
#include "jwk.h"
#include "scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <jwt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define LEAD_MS 600000
#define TTL_MS 86400000
#define SKEW_MS 60000

static const struct token_settings pairs = { .access_ttl_ms = TTL_MS, .rotate_lead_ms = LEAD_MS };
static const struct token_settings secrets = {
	.jwt_secret = "0123456789abcdef0123456789abcdef",
	.jwt_secret_previous = "fedcba9876543210fedcba9876543210",
};

static char dir[SCRATCH_MAX];
static struct err err;
static _Atomic int64_t shift_ms;

static int make_scratch(void **state)
{
	(void)state;
	scratch_make(dir);
	shift_ms = 0;
	return 0;
}

static int remove_scratch(void **state)
{
	(void)state;
	scratch_remove(dir);
	return 0;
}

static struct keyring *load(void)
{
	struct keyring *keyring = keyring_new(&pairs, dir, &err);

	if (!keyring)
		fail_msg("%s", err.text);
	return keyring;
}

static size_t n_published(const struct keyring *keyring)
{
	json_t *jwks = keyring_jwks(keyring);
	size_t n = json_array_size(json_object_get(jwks, "keys"));

	json_decref(jwks);
	return n;
}

/* RFC 7638 3.1 and RFC 8037 A.3. */
static void thumbprints_are_those_of_the_rfcs(void **state)
{
	static const struct {
		const char *members, *thumbprint;
	} known[] = {
		{ "{\"kty\":\"RSA\",\"n\":"
		  "\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbf"
		  "AAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-"
		  "5JsGY4Hc5n9y"
		  "BXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_"
		  "FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZH"
		  "zu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-"
		  "G"
		  "_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw\",\"e\":\"AQAB\"}",
		  "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs" },
		{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
		  "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
		  "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		json_t *members = json_loads(known[i].members, 0, NULL);
		char text[JWK_THUMBPRINT_LEN + 1];

		jwk_thumbprint(members, text);
		if (strcmp(text, known[i].thumbprint) != 0)
			fail_msg("%zu: %s", i, text);
		json_decref(members);
	}
}

static void the_first_key_signs_at_once(void **state)
{
	struct keyring *keyring = load(), *again = load();
	const struct keyring_key *key = keyring_current(keyring);

	(void)state;
	assert_string_equal(keyring_alg_name(keyring), "ES256");
	assert_int_equal(key->alg, JWT_ALG_ES256);
	assert_int_equal(strlen(key->kid), 16);
	assert_true(key->from_ms <= clock_now_ms());
	assert_int_equal(key->until_ms, 0);
	assert_string_equal(keyring_current(again)->kid, key->kid);
	assert_ptr_equal(keyring_find(keyring, key->kid), key);
	assert_null(keyring_find(keyring, ""));
	assert_null(keyring_find(keyring, "../../etc/passwd"));
	keyring_free(keyring);
	keyring_free(again);
}

static void jwks_has_public_members_alone(void **state)
{
	static const char *const names[] = { "kty", "crv", "x", "y", "kid", "use", "alg" };
	struct keyring *keyring = load();
	json_t *jwks = keyring_jwks(keyring);
	json_t *key = json_array_get(json_object_get(jwks, "keys"), 0);

	(void)state;
	assert_int_equal(json_object_size(jwks), 1);
	assert_int_equal(json_object_size(key), sizeof(names) / sizeof(names[0]));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!json_is_string(json_object_get(key, names[i])))
			fail_msg("%s", names[i]);
	}
	assert_int_equal(json_string_length(json_object_get(key, "x")), 43);
	assert_int_equal(json_string_length(json_object_get(key, "y")), 43);
	assert_string_equal(json_string_value(json_object_get(key, "kid")),
			    keyring_current(keyring)->kid);
	json_decref(jwks);
	keyring_free(keyring);
}

static void a_rotation_overlaps(void **state)
{
	struct keyring *keyring = load();
	char old[24], new[24];

	(void)state;
	(void)strcpy(old, keyring_current(keyring)->kid);
	keyring_free(keyring);
	shift_ms = 1000;
	assert_true(keyring_rotate(&pairs, dir, new, &err));
	assert_string_not_equal(old, new);

	keyring = load(); /* published at once, not yet signing */
	assert_int_equal(n_published(keyring), 2);
	assert_string_equal(keyring_current(keyring)->kid, old);
	assert_non_null(keyring_find(keyring, new));
	shift_ms = 1000 + LEAD_MS + 1000; /* without a reload */
	assert_string_equal(keyring_current(keyring)->kid, new);
	assert_non_null(keyring_find(keyring, old));
	shift_ms = 1000 + LEAD_MS + TTL_MS;
	assert_non_null(keyring_find(keyring, old));
	shift_ms = 1000 + LEAD_MS + TTL_MS + SKEW_MS + 1000;
	assert_null(keyring_find(keyring, old));
	assert_non_null(keyring_find(keyring, new));
	keyring_free(keyring);

	keyring = load();
	assert_int_equal(n_published(keyring), 1);
	assert_string_equal(keyring_current(keyring)->kid, new);
	keyring_free(keyring);
}

static int n_files(void)
{
	char path[SCRATCH_MAX + 8];
	const struct dirent *entry;
	int n = 0;
	DIR *keys;

	(void)snprintf(path, sizeof(path), "%s/keys", dir);
	keys = opendir(path);
	assert_non_null(keys);
	while ((entry = readdir(keys)))
		n += entry->d_name[0] != '.';
	(void)closedir(keys);
	return n;
}

static void rotation_removes_what_is_over(void **state)
{
	char kid[24];

	(void)state;
	keyring_free(load());
	shift_ms = 1000;
	assert_true(keyring_rotate(&pairs, dir, kid, &err));
	assert_true(keyring_rotate(&pairs, dir, kid, &err)); /* twice in one millisecond is fine */
	assert_int_equal(n_files(), 3);
	shift_ms = 1000 + LEAD_MS + TTL_MS + SKEW_MS + 2000;
	assert_true(keyring_rotate(&pairs, dir, kid, &err));
	assert_int_equal(n_files(), 2);
}

static void a_rotated_key_is_newest_though_the_clock_went_back(void **state)
{
	struct keyring *keyring;
	char kid[24];

	(void)state;
	keyring_free(load());
	shift_ms = -3600000;
	assert_true(keyring_rotate(&pairs, dir, kid, &err));
	shift_ms = LEAD_MS + 1000;
	keyring = load();
	assert_string_equal(keyring_current(keyring)->kid, kid);
	keyring_free(keyring);
}

static void starters_at_once_make_one_key(void **state)
{
	int status;

	(void)state;
	for (int i = 0; i < 6; i++) {
		if (fork() == 0) {
			struct keyring *keyring = keyring_new(&pairs, dir, &err);
			bool ok = keyring && n_published(keyring) == 1;

			keyring_free(keyring);
			_exit(ok ? 0 : 1);
		}
	}
	for (int i = 0; i < 6; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(n_files(), 1);
}

static void put_file(const char *name, const char *text, mode_t mode)
{
	char path[SCRATCH_MAX + 80];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/keys/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	(void)close(fd);
}

#define PEM_ED25519                                                                                \
	"-----BEGIN PRIVATE KEY-----\n"                                                            \
	"MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"                       \
	"-----END PRIVATE KEY-----\n"

static void bad_key_files_are_refused(void **state)
{
	static const struct {
		const char *text;
		mode_t mode;
		const char *why;
	} bad[] = {
		{ "", 0600, "P-256" },
		{ "-----BEGIN PRIVATE KEY-----\n", 0600, "P-256" },
		{ PEM_ED25519, 0600, "P-256" },
		{ PEM_ED25519, 0644, "0600" },
	};
	static const char name[] = "es256-1700000000000-AAAAAAAAAAAAAAAA.pem";
	char path[SCRATCH_MAX + 80];

	(void)state;
	keyring_free(load());
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		/* Its successor was made just now, so this one still verifies. */
		put_file(name, bad[i].text, bad[i].mode);
		err.text[0] = '\0';
		if (keyring_new(&pairs, dir, &err) || !strstr(err.text, bad[i].why) ||
		    !strstr(err.text, name))
			fail_msg("%zu: %s", i, err.text);
	}
	(void)snprintf(path, sizeof(path), "%s/keys/%s", dir, name);
	assert_int_equal(unlink(path), 0);
	keyring_free(load());
}

/* The right pair under a wrong name. */
static void a_renamed_key_is_refused(void **state)
{
	EVP_PKEY *pair = jwk_pair_new();
	size_t len;
	char *pem = jwk_private_pem(pair, &len);

	(void)state;
	keyring_free(load());
	put_file("es256-1700000000000-AAAAAAAAAAAAAAAA.pem", pem, 0600);
	assert_null(keyring_new(&pairs, dir, &err));
	assert_non_null(strstr(err.text, "holds the key"));
	free(pem);
	EVP_PKEY_free(pair);
}

static void other_files_are_no_keys(void **state)
{
	static const char *const names[] = {
		"es256-1700000000000-AAAAAAAAAAAAAAAA.pem~",
		"es256-1700000000000-AAAA.pem",
		"es256-17-AAAAAAAAAAAAAAAA.pem",
		"es256--700000000000-AAAAAAAAAAAAAAAA.pem",
		"rs256-1700000000000-AAAAAAAAAAAAAAAA.pem",
		"README",
		".draft",
	};
	struct keyring *keyring;

	(void)state;
	keyring_free(load());
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		put_file(names[i], "x", 0600);
	keyring = load();
	assert_int_equal(n_published(keyring), 1);
	keyring_free(keyring);
}

static void secrets_sign_and_the_previous_verifies(void **state)
{
	struct keyring *keyring = keyring_new(&secrets, "/nonexistent", &err);
	struct token_settings before = { .jwt_secret = secrets.jwt_secret_previous };
	struct keyring *former = keyring_new(&before, "/nonexistent", &err);
	const struct keyring_key *current = keyring_current(keyring);
	const char *old_kid = keyring_current(former)->kid;

	(void)state;
	assert_string_equal(keyring_alg_name(keyring), "HS256");
	assert_int_equal(current->alg, JWT_ALG_HS256);
	assert_int_equal(current->sign_len, 32);
	assert_memory_equal(current->sign, secrets.jwt_secret, 32);
	assert_string_not_equal(current->kid, old_kid);
	assert_memory_equal(keyring_find(keyring, old_kid)->verify, before.jwt_secret, 32);
	assert_null(keyring_find(former, current->kid));
	assert_int_equal(n_published(keyring), 0);
	keyring_free(keyring);
	keyring_free(former);
}

static void short_secrets_are_refused(void **state)
{
	struct token_settings settings = secrets;
	char kid[24];

	(void)state;
	settings.jwt_secret = "0123456789abcdef0123456789abcde";
	assert_null(keyring_new(&settings, dir, &err));
	assert_non_null(strstr(err.text, "jwt_secret"));
	assert_null(strstr(err.text, "0123456789"));
	settings = secrets;
	settings.jwt_secret_previous = "short";
	assert_null(keyring_new(&settings, dir, &err));
	assert_non_null(strstr(err.text, "jwt_secret_previous"));
	assert_false(keyring_rotate(&secrets, dir, kid, &err));
	assert_non_null(strstr(err.text, "jwt_secret_previous"));
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, make_scratch, remove_scratch)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thumbprints_are_those_of_the_rfcs),
		IN_SCRATCH(the_first_key_signs_at_once),
		IN_SCRATCH(jwks_has_public_members_alone),
		IN_SCRATCH(a_rotation_overlaps),
		IN_SCRATCH(rotation_removes_what_is_over),
		IN_SCRATCH(a_rotated_key_is_newest_though_the_clock_went_back),
		IN_SCRATCH(starters_at_once_make_one_key),
		IN_SCRATCH(bad_key_files_are_refused),
		IN_SCRATCH(a_renamed_key_is_refused),
		IN_SCRATCH(other_files_are_no_keys),
		cmocka_unit_test(secrets_sign_and_the_previous_verifies),
		IN_SCRATCH(short_secrets_are_refused),
	};

	clock_set_shift(&shift_ms);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
