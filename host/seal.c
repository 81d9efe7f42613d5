/* SPDX-License-Identifier: Apache-2.0 */
/* Masters, the keys derived from them, and the three things done with those. */
#include "seal.h"

#include "base64.h"
#include "key_dir.h"
#include "rng.h"
#include "xalloc.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_LEN 32
#define NONCE_LEN 12 /* 96 random bits: fine for 2^32 texts a key */
#define TAG_LEN 16
#define ID_MAX 16
#define KEY_TEXT_LEN 44 /* KEY_LEN bytes in padded base64 */
#define MASTER_FILE "master"
#define MASTER_ID "m1"

struct master {
	char id[ID_MAX + 1];
	uint8_t seal_key[KEY_LEN], mac_key[KEY_LEN];
};

struct seal {
	struct master *masters; /* the first seals, the last is the oldest */
	size_t n_masters;
};

static bool derive(const uint8_t secret[KEY_LEN], const char *use, uint8_t out[KEY_LEN])
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_HKDF, NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret, KEY_LEN),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)use, strlen(use)),
		OSSL_PARAM_construct_end(),
	};
	bool ok = ctx && EVP_KDF_derive(ctx, out, KEY_LEN, params) == 1;

	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return ok;
}

static bool id_ok(const char *id, size_t len)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	return len > 0 && len <= ID_MAX && strspn(id, allowed) >= len;
}

static const struct master *find_master(const struct seal *seal, const char *id, size_t len)
{
	for (size_t i = 0; i < seal->n_masters; i++) {
		const struct master *master = &seal->masters[i];

		if (strlen(master->id) == len && memcmp(master->id, id, len) == 0)
			return master;
	}
	return NULL;
}

/* text is "id:base64"; no message repeats any of it but the id. */
static bool add_master(struct seal *seal, const char *text, struct err *err)
{
	struct master *master = &seal->masters[seal->n_masters];
	const char *colon = strchr(text, ':');
	size_t id_len = colon ? (size_t)(colon - text) : 0;
	uint8_t secret[KEY_LEN];
	size_t len;
	bool ok;

	if (!id_ok(text, id_len))
		return err_set(err, "[keys] secrets: number %zu does not start with an id and ':'",
			       seal->n_masters + 1);
	if (find_master(seal, text, id_len))
		return err_set(err, "[keys] secrets: the id %.*s is there twice", (int)id_len,
			       text);
	if (!base64_decode(colon + 1, strlen(colon + 1), secret, sizeof(secret), &len) ||
	    len != KEY_LEN)
		return err_set(err, "[keys] secrets: %.*s is not the base64 of 32 bytes",
			       (int)id_len, text);
	memcpy(master->id, text, id_len);
	ok = derive(secret, "pintle seal", master->seal_key) &&
	     derive(secret, "pintle mac", master->mac_key);
	explicit_bzero(secret, sizeof(secret));
	if (!ok)
		return err_set(err, "[keys] secrets: HKDF failed");
	seal->n_masters++;
	return true;
}

/* "m1:<base64>\n": the form of [keys] secrets, so that it can move there when a key is added. */
static bool make_master_file(const struct key_dir *keys, struct err *err)
{
	char text[sizeof(MASTER_ID) + KEY_TEXT_LEN + 2];
	uint8_t secret[KEY_LEN];
	int len = snprintf(text, sizeof(text), MASTER_ID ":");
	bool ok;

	if (!rng_bytes(secret, sizeof(secret)))
		return err_set(err, "keys/" MASTER_FILE ": the random source failed");
	len += EVP_EncodeBlock((unsigned char *)text + len, secret, sizeof(secret));
	text[len++] = '\n';
	ok = key_dir_write(keys, MASTER_FILE, text, (size_t)len, err);
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(text, sizeof(text));
	return ok;
}

static bool load_master_file(struct seal *seal, const char *dir, struct err *err)
{
	struct key_dir keys;
	char *text = NULL;
	size_t len = 0;
	bool ok = false;

	if (!key_dir_open(&keys, dir, err))
		return false;
	if (!key_dir_has(&keys, MASTER_FILE) && !make_master_file(&keys, err))
		goto out;
	text = key_dir_read(&keys, MASTER_FILE, &len, err);
	if (!text)
		goto out;
	if (len > 0 && text[len - 1] == '\n')
		text[--len] = '\0';
	if (strlen(text) != len || !add_master(seal, text, err)) {
		err_set(err, "%s/" MASTER_FILE ": not an id, ':' and the base64 of 32 bytes",
			keys.path);
		goto out;
	}
	ok = true;
out:
	if (text)
		explicit_bzero(text, len);
	free(text);
	key_dir_close(&keys);
	return ok;
}

struct seal *seal_new(const char *const *secrets, const char *dir, struct err *err)
{
	struct seal *seal = xcalloc(1, sizeof(*seal));
	size_t n = 0;
	bool ok = true;

	while (secrets && secrets[n])
		n++;
	seal->masters = xcalloc(n > 0 ? n : 1, sizeof(*seal->masters));
	for (size_t i = 0; i < n && ok; i++)
		ok = add_master(seal, secrets[i], err);
	if (n == 0)
		ok = load_master_file(seal, dir, err);
	if (ok)
		return seal;
	seal_free(seal);
	return NULL;
}

void seal_free(struct seal *seal)
{
	if (!seal)
		return;
	explicit_bzero(seal->masters, seal->n_masters * sizeof(*seal->masters));
	free(seal->masters);
	free(seal);
}

/* out: nonce, len bytes, tag. */
static bool encrypt(const uint8_t key[KEY_LEN], const char *label, const char *plain, size_t len,
		    uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t *text = out + NONCE_LEN;
	int n;
	bool ok = ctx && rng_bytes(out, NONCE_LEN) &&
		  EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, out) == 1 &&
		  EVP_EncryptUpdate(ctx, NULL, &n, (const uint8_t *)label, (int)strlen(label)) &&
		  EVP_EncryptUpdate(ctx, text, &n, (const uint8_t *)plain, (int)len) == 1 &&
		  EVP_EncryptFinal_ex(ctx, text + len, &n) == 1 &&
		  EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_LEN, text + len) == 1;

	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

/* in: nonce, len bytes, tag. */
static bool decrypt(const uint8_t key[KEY_LEN], const char *label, const uint8_t *in, size_t len,
		    uint8_t *plain)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	const uint8_t *text = in + NONCE_LEN;
	int n;
	bool ok = ctx && EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, in) == 1 &&
		  EVP_DecryptUpdate(ctx, NULL, &n, (const uint8_t *)label, (int)strlen(label)) &&
		  EVP_DecryptUpdate(ctx, plain, &n, text, (int)len) == 1 &&
		  EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_LEN, (void *)(text + len)) &&
		  EVP_DecryptFinal_ex(ctx, plain + len, &n) == 1;

	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

char *seal_text(const struct seal *seal, struct arena *arena, const char *label, const char *plain)
{
	const struct master *master = &seal->masters[0];
	size_t len = strlen(plain);
	size_t box_len = NONCE_LEN + len + TAG_LEN;
	uint8_t *box;
	char *text;

	if (len > SEAL_PLAIN_MAX)
		return NULL;
	box = arena_alloc(arena, box_len);
	if (!encrypt(master->seal_key, label, plain, len, box))
		return NULL;
	text = arena_alloc(arena, BASE64_LEN(box_len) + 1);
	(void)base64url_encode(box, box_len, text);
	return arena_printf(arena, "1.%s.%s", master->id, text);
}

char *seal_open(const struct seal *seal, struct arena *arena, const char *label, const char *sealed)
{
	const struct master *master;
	const char *id, *text;
	uint8_t *box;
	char *plain;
	size_t len;

	if (strncmp(sealed, "1.", 2) != 0)
		return NULL;
	id = sealed + 2;
	text = strchr(id, '.');
	master = text ? find_master(seal, id, (size_t)(text - id)) : NULL;
	if (!master)
		return NULL;
	text++;
	len = strlen(text);
	if (len > BASE64_LEN(NONCE_LEN + SEAL_PLAIN_MAX + TAG_LEN))
		return NULL;
	box = arena_alloc(arena, len);
	if (!base64url_decode(text, len, box, len, &len) || len < NONCE_LEN + TAG_LEN)
		return NULL;
	len -= NONCE_LEN + TAG_LEN;
	plain = arena_alloc(arena, len + 1);
	return decrypt(master->seal_key, label, box, len, (uint8_t *)plain) ? plain : NULL;
}

void seal_mac(const struct seal *seal, const char *label, const void *bytes, size_t len,
	      uint8_t out[SEAL_MAC_LEN])
{
	const struct master *oldest = &seal->masters[seal->n_masters - 1];
	uint8_t key[SEAL_MAC_LEN];

	/* A key for each label: no text under one label can be mistaken for one under another. */
	if (!HMAC(EVP_sha256(), oldest->mac_key, KEY_LEN, (const uint8_t *)label, strlen(label),
		  key, NULL) ||
	    !HMAC(EVP_sha256(), key, sizeof(key), bytes, len, out, NULL))
		out_of_memory(); /* nothing else makes it fail */
	explicit_bzero(key, sizeof(key));
}

void seal_blind(const struct seal *seal, const char *label, const char *text,
		char out[2 * SEAL_MAC_LEN + 1])
{
	uint8_t mac[SEAL_MAC_LEN];

	seal_mac(seal, label, text, strlen(text), mac);
	hex_encode(mac, sizeof(mac), out);
}
