/* SPDX-License-Identifier: Apache-2.0 */
/* A fixed array of entries: each is in a chain of its bucket and in one list by last use. */
#include "token_cache.h"

#include "xalloc.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

struct entry {
	uint8_t digest[SHA256_DIGEST_LENGTH];
	struct token_claims claims;
	uint32_t next;         /* in the bucket */
	uint32_t newer, older; /* by use */
};

struct token_cache {
	struct entry *entries;
	uint32_t *buckets;
	uint32_t n_entries, n_used, n_buckets; /* n_buckets is a power of two */
	uint32_t newest, oldest;
	EVP_MD *sha256; /* fetched once: looking it up costs as much as the hash */
	EVP_MD_CTX *hash;
};

struct token_cache *token_cache_new(size_t n_entries)
{
	struct token_cache *cache = xcalloc(1, sizeof(*cache));

	cache->n_entries = n_entries < NONE / 2 ? (uint32_t)n_entries : NONE / 2;
	cache->n_buckets = 1;
	while (cache->n_buckets < cache->n_entries)
		cache->n_buckets *= 2;
	cache->entries = xcalloc((size_t)cache->n_entries + 1, sizeof(*cache->entries));
	cache->buckets = xcalloc(cache->n_buckets, sizeof(*cache->buckets));
	for (uint32_t i = 0; i < cache->n_buckets; i++)
		cache->buckets[i] = NONE;
	cache->newest = cache->oldest = NONE;
	cache->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	cache->hash = EVP_MD_CTX_new();
	if (!cache->sha256 || !cache->hash)
		out_of_memory();
	return cache;
}

void token_cache_free(struct token_cache *cache)
{
	if (!cache)
		return;
	EVP_MD_CTX_free(cache->hash);
	EVP_MD_free(cache->sha256);
	free(cache->entries);
	free(cache->buckets);
	free(cache);
}

static void digest_of(struct token_cache *cache, const char *text, size_t len,
		      uint8_t digest[SHA256_DIGEST_LENGTH])
{
	int ok = EVP_DigestInit_ex2(cache->hash, cache->sha256, NULL) &&
		 EVP_DigestUpdate(cache->hash, text, len) &&
		 EVP_DigestFinal_ex(cache->hash, digest, NULL);

	assert(ok); /* SHA-256 of memory does not fail */
}

static uint32_t *bucket_of(struct token_cache *cache, const uint8_t *digest)
{
	uint32_t hash;

	memcpy(&hash, digest, sizeof(hash));
	return &cache->buckets[hash & (cache->n_buckets - 1)];
}

static uint32_t find(struct token_cache *cache, const uint8_t *digest)
{
	uint32_t i = *bucket_of(cache, digest);

	while (i != NONE && memcmp(cache->entries[i].digest, digest, SHA256_DIGEST_LENGTH) != 0)
		i = cache->entries[i].next;
	return i;
}

static void list_remove(struct token_cache *cache, uint32_t i)
{
	struct entry *entry = &cache->entries[i];

	if (entry->newer != NONE)
		cache->entries[entry->newer].older = entry->older;
	else
		cache->newest = entry->older;
	if (entry->older != NONE)
		cache->entries[entry->older].newer = entry->newer;
	else
		cache->oldest = entry->newer;
}

static void list_add_newest(struct token_cache *cache, uint32_t i)
{
	struct entry *entry = &cache->entries[i];

	entry->newer = NONE;
	entry->older = cache->newest;
	if (cache->newest != NONE)
		cache->entries[cache->newest].newer = i;
	else
		cache->oldest = i;
	cache->newest = i;
}

static void bucket_remove(struct token_cache *cache, uint32_t i)
{
	uint32_t *link = bucket_of(cache, cache->entries[i].digest);

	while (*link != i)
		link = &cache->entries[*link].next;
	*link = cache->entries[i].next;
}

/* A fresh entry, or the one least recently used; in no bucket and no list. */
static uint32_t claim_entry(struct token_cache *cache)
{
	uint32_t i = cache->oldest;

	if (cache->n_used < cache->n_entries)
		return cache->n_used++;
	bucket_remove(cache, i);
	list_remove(cache, i);
	return i;
}

const struct token_claims *token_cache_find(struct token_cache *cache, const char *text, size_t len,
					    int64_t now_s)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	uint32_t i;

	digest_of(cache, text, len, digest);
	i = find(cache, digest);
	if (i == NONE || cache->entries[i].claims.exp <= now_s)
		return NULL;
	list_remove(cache, i);
	list_add_newest(cache, i);
	return &cache->entries[i].claims;
}

void token_cache_put(struct token_cache *cache, const char *text, size_t len,
		     const struct token_claims *claims)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	uint32_t *bucket, i;

	if (cache->n_entries == 0)
		return;
	digest_of(cache, text, len, digest);
	i = find(cache, digest);
	if (i == NONE) {
		i = claim_entry(cache);
		bucket = bucket_of(cache, digest);
		memcpy(cache->entries[i].digest, digest, sizeof(digest));
		cache->entries[i].next = *bucket;
		*bucket = i;
	} else {
		list_remove(cache, i);
	}
	cache->entries[i].claims = *claims;
	list_add_newest(cache, i);
}
