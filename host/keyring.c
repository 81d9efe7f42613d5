/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of ES256 are files "es256-<created, unix ms>-<kid>.pem" in dir/keys: a listing shows their
 * order, and the order with the settings gives what each key does at any time. Nothing else is
 * stored.
 */
#include "keyring.h"

#include "base64.h"
#include "clock.h"
#include "jwk.h"
#include "key_dir.h"
#include "xalloc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jwt.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KID_LEN 16
#define NAME_MAX_LEN 64
#define SECRET_MIN 32 /* RFC 7518 3.2 */
#define SKEW_MS 60000 /* clocks of hosts may differ by this */
#define MAX_KEYS 64   /* far more than any rotation leaves behind */

struct key_file {
	char name[NAME_MAX_LEN];
	int64_t created_ms;
	char kid[KID_LEN + 1];
};

struct keyring {
	struct keyring_key keys[MAX_KEYS]; /* oldest first */
	size_t n_keys;
	json_t *jwks;
	const char *alg_name;
};

/* ---- HS256 ---- */

/* A name for the secret that tells nothing about it. */
static void secret_kid(const char *secret, char kid[24])
{
	static const uint8_t label[] = "pintle kid";
	uint8_t mac[32];
	char text[BASE64_LEN(sizeof(mac)) + 1];

	if (!HMAC(EVP_sha256(), secret, (int)strlen(secret), label, sizeof(label) - 1, mac, NULL))
		out_of_memory();
	(void)base64url_encode(mac, sizeof(mac), text);
	(void)snprintf(kid, 24, "%.*s", KID_LEN, text);
}

static void add_secret(struct keyring *keyring, const char *secret)
{
	struct keyring_key *key = &keyring->keys[keyring->n_keys++];
	unsigned char *copy = (unsigned char *)xstrdup(secret);

	secret_kid(secret, key->kid);
	key->alg = JWT_ALG_HS256;
	key->sign = key->verify = copy;
	key->sign_len = key->verify_len = strlen(secret);
}

static bool has_text(const char *text)
{
	return text && text[0] != '\0';
}

static bool load_secrets(struct keyring *keyring, const struct token_settings *settings,
			 struct err *err)
{
	const char *previous = settings->jwt_secret_previous;

	if (strlen(settings->jwt_secret) < SECRET_MIN)
		return err_set(err, "[token] jwt_secret: shorter than %d bytes", SECRET_MIN);
	if (has_text(previous) && strlen(previous) < SECRET_MIN)
		return err_set(err, "[token] jwt_secret_previous: shorter than %d bytes",
			       SECRET_MIN);
	keyring->alg_name = "HS256";
	if (has_text(previous) && strcmp(previous, settings->jwt_secret) != 0)
		add_secret(keyring, previous);
	add_secret(keyring, settings->jwt_secret);
	return true;
}

/* ---- ES256 ---- */

static void print_name(char name[NAME_MAX_LEN], int64_t created_ms, const char *kid)
{
	(void)snprintf(name, NAME_MAX_LEN, "es256-%013" PRId64 "-%.*s.pem", created_ms, KID_LEN,
		       kid);
}

static bool parse_name(const char *name, struct key_file *file)
{
	if (sscanf(name, "es256-%13" SCNd64 "-%16[A-Za-z0-9_-].pem", &file->created_ms,
		   file->kid) != 2 ||
	    file->created_ms < 0 || strlen(file->kid) != KID_LEN)
		return false;
	print_name(file->name, file->created_ms, file->kid);
	return strcmp(file->name, name) == 0;
}

static int by_creation(const void *a, const void *b)
{
	return strcmp(((const struct key_file *)a)->name, ((const struct key_file *)b)->name);
}

/* The key files, oldest first; -1: err. */
static int list_files(const struct key_dir *keys, struct key_file files[MAX_KEYS], struct err *err)
{
	int fd = openat(keys->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	struct key_file file;
	int n = 0;

	if (!dir) {
		err_set(err, "keys: %s", strerror(errno));
		return -1;
	}
	while (n <= MAX_KEYS && (entry = readdir(dir))) {
		if (parse_name(entry->d_name, &file) && n++ < MAX_KEYS)
			files[n - 1] = file;
	}
	(void)closedir(dir);
	if (n > MAX_KEYS) {
		err_set(err, "keys: more than %d key files", MAX_KEYS);
		return -1;
	}
	qsort(files, (size_t)n, sizeof(files[0]), by_creation);
	return n;
}

static void kid_of(const json_t *members, char kid[24])
{
	char thumbprint[JWK_THUMBPRINT_LEN + 1];

	jwk_thumbprint(members, thumbprint);
	(void)snprintf(kid, 24, "%.*s", KID_LEN, thumbprint);
}

static bool make_file(const struct key_dir *keys, int64_t created_ms, char kid_out[24],
		      struct err *err)
{
	EVP_PKEY *pair = jwk_pair_new();
	char name[NAME_MAX_LEN];
	json_t *members;
	char *pem;
	size_t len;
	bool ok;

	if (!pair)
		return err_set(err, "keys: cannot make a key: the random source failed");
	members = jwk_members(pair);
	kid_of(members, kid_out);
	json_decref(members);
	print_name(name, created_ms, kid_out);
	pem = jwk_private_pem(pair, &len);
	EVP_PKEY_free(pair);
	ok = key_dir_write(keys, name, pem, len, err);
	explicit_bzero(pem, len);
	free(pem);
	return ok;
}

/* Publishes the pair and keeps it in all forms it is used in. */
static void add_pair(struct keyring *keyring, EVP_PKEY *pair, json_t *members, const char *kid)
{
	struct keyring_key *key = &keyring->keys[keyring->n_keys++];

	(void)snprintf(key->kid, sizeof(key->kid), "%s", kid);
	key->alg = JWT_ALG_ES256;
	(void)EVP_PKEY_up_ref(pair); /* cannot fail for a key that is held */
	key->pair = pair;
	key->sign = (unsigned char *)jwk_private_pem(pair, &key->sign_len);
	key->verify = (unsigned char *)jwk_public_pem(pair, &key->verify_len);
	(void)json_object_set_new(members, "kid", json_string(kid));
	(void)json_object_set_new(members, "use", json_string("sig"));
	(void)json_object_set_new(members, "alg", json_string("ES256"));
	(void)json_array_append(json_object_get(keyring->jwks, "keys"), members);
}

static bool load_file(struct keyring *keyring, const struct key_dir *keys,
		      const struct key_file *file, struct err *err)
{
	size_t len;
	char *pem = key_dir_read(keys, file->name, &len, err);
	EVP_PKEY *pair = pem ? jwk_pair_read(pem, len) : NULL;
	json_t *members = NULL;
	bool ok = false;
	char kid[24];

	if (!pem)
		return false;
	if (!pair) {
		err_set(err, "%s/%s: not a private P-256 key in PEM", keys->path, file->name);
		goto out;
	}
	members = jwk_members(pair);
	kid_of(members, kid);
	if (strcmp(kid, file->kid) != 0) {
		err_set(err, "%s/%s: holds the key %s", keys->path, file->name, kid);
		goto out;
	}
	add_pair(keyring, pair, members, kid);
	ok = true;
out:
	explicit_bzero(pem, len);
	free(pem);
	json_decref(members);
	EVP_PKEY_free(pair);
	return ok;
}

/* The oldest key has signed since it was made; every later one waits until all have seen it. */
static int64_t signs_from(const struct token_settings *settings, const struct key_file *files,
			  int i)
{
	return files[i].created_ms + (i > 0 ? settings->rotate_lead_ms : 0);
}

/* When the last token the key signed has ended; 0 while it has no successor. */
static int64_t verifies_until(const struct token_settings *settings, const struct key_file *files,
			      int n, int i)
{
	if (i + 1 == n)
		return 0;
	return signs_from(settings, files, i + 1) + settings->access_ttl_ms + SKEW_MS;
}

static bool is_over(int64_t until_ms, int64_t now_ms)
{
	return until_ms != 0 && until_ms <= now_ms;
}

static bool load_pairs(struct keyring *keyring, const struct token_settings *settings,
		       const struct key_dir *keys, struct err *err)
{
	struct key_file files[MAX_KEYS];
	int64_t now = clock_now_ms();
	char kid[24];
	int n = list_files(keys, files, err);

	if (n == 0 && make_file(keys, now, kid, err))
		n = list_files(keys, files, err);
	if (n <= 0)
		return false;
	for (int i = 0; i < n; i++) {
		int64_t until = verifies_until(settings, files, n, i);
		struct keyring_key *key = &keyring->keys[keyring->n_keys];

		if (is_over(until, now))
			continue;
		if (!load_file(keyring, keys, &files[i], err))
			return false;
		key->from_ms = signs_from(settings, files, i);
		key->until_ms = until;
	}
	return true;
}

/* ---- The ring ---- */

static bool load_keys(struct keyring *keyring, const struct token_settings *settings,
		      const char *dir, struct err *err)
{
	struct key_dir keys;
	bool ok;

	if (!key_dir_open(&keys, dir, err))
		return false;
	ok = load_pairs(keyring, settings, &keys, err);
	key_dir_close(&keys);
	return ok;
}

struct keyring *keyring_new(const struct token_settings *settings, const char *dir, struct err *err)
{
	struct keyring *keyring = xcalloc(1, sizeof(*keyring));
	bool ok;

	keyring->alg_name = "ES256";
	keyring->jwks = json_pack("{s:[]}", "keys");
	if (has_text(settings->jwt_secret))
		ok = load_secrets(keyring, settings, err);
	else
		ok = load_keys(keyring, settings, dir, err);
	if (ok)
		return keyring;
	keyring_free(keyring);
	return NULL;
}

static void key_fini(struct keyring_key *key)
{
	if (key->sign != key->verify)
		free((void *)key->verify);
	EVP_PKEY_free(key->pair);
	explicit_bzero((void *)key->sign, key->sign_len);
	free((void *)key->sign);
}

void keyring_free(struct keyring *keyring)
{
	if (!keyring)
		return;
	for (size_t i = 0; i < keyring->n_keys; i++)
		key_fini(&keyring->keys[i]);
	json_decref(keyring->jwks);
	free(keyring);
}

const struct keyring_key *keyring_current(const struct keyring *keyring)
{
	int64_t now = clock_now_ms();

	for (size_t i = keyring->n_keys; i > 1; i--) {
		if (keyring->keys[i - 1].from_ms <= now)
			return &keyring->keys[i - 1];
	}
	return &keyring->keys[0]; /* also when the clock was set back behind its making */
}

const struct keyring_key *keyring_find(const struct keyring *keyring, const char *kid)
{
	int64_t now = clock_now_ms();

	for (size_t i = 0; i < keyring->n_keys; i++) {
		const struct keyring_key *key = &keyring->keys[i];

		if (strcmp(key->kid, kid) == 0)
			return is_over(key->until_ms, now) ? NULL : key;
	}
	return NULL;
}

json_t *keyring_jwks(const struct keyring *keyring)
{
	return json_deep_copy(keyring->jwks);
}

const char *keyring_alg_name(const struct keyring *keyring)
{
	return keyring->alg_name;
}

bool keyring_rotate(const struct token_settings *settings, const char *dir, char kid_out[24],
		    struct err *err)
{
	struct key_file files[MAX_KEYS];
	int64_t now = clock_now_ms(), created = now;
	struct key_dir keys;
	bool ok = false;
	int n;

	if (has_text(settings->jwt_secret))
		return err_set(err,
			       "[token] jwt_secret is set: set a new one there, and the old one "
			       "as jwt_secret_previous");
	if (!key_dir_open(&keys, dir, err))
		return false;
	n = list_files(&keys, files, err);
	if (n < 0)
		goto out;
	/* The newest even after the clock was set back: the order is the order of names. */
	if (n > 0 && files[n - 1].created_ms >= created)
		created = files[n - 1].created_ms + 1;
	for (int i = 0; i < n; i++) {
		if (is_over(verifies_until(settings, files, n, i), now))
			(void)unlinkat(keys.fd, files[i].name,
				       0); /* the next rotation tries again */
	}
	ok = make_file(&keys, created, kid_out, err);
out:
	key_dir_close(&keys);
	return ok;
}
