/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the password plugin. Everything runs in an op, on a worker. */
#ifndef PASSWORD_H
#define PASSWORD_H

#include <pintle/plugin.h>

#define PASSWORD_TRIES 3 /* of a transaction that loses to others */

enum { SCHEME_BCRYPT, SCHEME_ARGON2ID };

struct conf {
	int32_t scheme;
	int64_t bcrypt_cost, argon2_memory, argon2_passes;
	int64_t min_length, min_bits, history;
	const char *notices;
};

struct password {
	const struct pintle_host *host;
	const struct conf *conf;
	char setting[64]; /* of host->hash() */
};

/* ---- credential.c: what is stored ---- */

#define HASH_MAX 256

struct credential {
	char uuid[40];
	int has_row;
	char row[HASH_MAX];  /* the hash as stored, also when the account has unbound it */
	char hash[HASH_MAX]; /* empty: the account has none that counts */
	const char *history; /* lent until the call ends */
	int64_t must_change;
};

/* NOT_FOUND: no such account. out is zeroed memory. */
int32_t credential_load(const struct password *self, struct pintle_call *call, int64_t user_id,
			struct credential *out);
/* Writes the hash in the place of old and links the account's identity; inside a transaction of the
 * caller. CONFLICT: another one was stored since old was loaded. */
int32_t credential_store(const struct password *self, struct pintle_call *call, int64_t user_id,
			 const struct credential *old, const char *hash);
/* The same password under a better hash; nothing when another one was stored meanwhile. */
int32_t credential_rehash(const struct password *self, struct pintle_call *call, int64_t user_id,
			  const struct credential *old, const char *hash);

/* ---- strength.c: what may become a password ---- */

/* OK, or INVALID with the field named. words (NULL-terminated) are what an attacker would try first. */
int32_t strength_check(const struct password *self, struct pintle_call *call, const char *field,
		       const char *secret, const char *const *words);
/* Whether secret was one of the account's last few. */
int32_t strength_check_history(const struct password *self, struct pintle_call *call,
			       const char *field, const char *secret, const struct credential *old);

/* ---- owner.c: whom register and reset are about ---- */

#define OWNER_WORDS 6

/* OK, or INVALID with the field named: phone or email, and code, grant or ticket to prove it by. */
int32_t owner_read(const struct pintle_host *host, struct pintle_call *call,
		   struct pintle_identity *out);
/* Words for strength_check; username may be NULL. */
int32_t owner_words(const struct pintle_host *host, struct pintle_call *call,
		    const struct pintle_identity *owner, const char *username,
		    const char *words_out[OWNER_WORDS]);

/* ---- notice.c ---- */

/* By mail, when conf says so. That it could not be sent holds up nothing and stands in the log. */
void notice_send(const struct password *self, struct pintle_call *call, int64_t user_id);

/* ---- register.c, change.c, reset.c, page.c: ops of their own ---- */

#define PASSWORD_PAGE "/reset-password"

int32_t password_register(void *self, struct pintle_call *call);
int32_t password_change(void *self, struct pintle_call *call);
int32_t password_bind(void *self, struct pintle_call *call);
int32_t password_reset(void *self, struct pintle_call *call);
/* What of a reset can be judged before its proof is spent. */
int32_t password_reset_check(const struct password *self, struct pintle_call *call);
int32_t password_page(void *self, struct pintle_call *call);
int32_t password_page_sent(void *self, struct pintle_call *call);

/* One of two names of a field; which one in name_out, the first when neither is there. */
const char *password_field(const struct pintle_host *host, struct pintle_call *call,
			   const char *first, const char *second, const char **name_out);
/* Hashes secret and stores it in the place of old; statuses of credential_store. */
int32_t password_store(const struct password *self, struct pintle_call *call, int64_t user_id,
		       const struct credential *old, const char *secret);

#endif
