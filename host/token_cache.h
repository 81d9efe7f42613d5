/* SPDX-License-Identifier: Apache-2.0 */
/* Verified access tokens of one worker, by digest, least recently used out first. [loop] only. */
#ifndef TOKEN_CACHE_H
#define TOKEN_CACHE_H

#include "token.h"

#include <stddef.h>

struct token_cache;

struct token_cache *token_cache_new(size_t n_entries); /* 0: remembers nothing */
void token_cache_free(struct token_cache *cache);
/* NULL when unknown or expired; lent until the next call. */
const struct token_claims *token_cache_find(struct token_cache *cache, const char *text, size_t len,
					    int64_t now_s);
void token_cache_put(struct token_cache *cache, const char *text, size_t len,
		     const struct token_claims *claims);

#endif
