/* SPDX-License-Identifier: Apache-2.0 */
/*
 * People and the identities that lead to them (tables users, user_identities). [worker] everything; each
 * function is one step of the caller's transaction, or a transaction of its own when none is open.
 */
#ifndef ACCOUNT_H
#define ACCOUNT_H

#include "arena.h"
#include "db.h"
#include "settings.h"

#include <jansson.h>
#include <pintle/host.h>

struct account {
	int64_t id;
	char uuid[40];
	int32_t status; /* a pintle_account_status */
	char user_type[32];
	char name[128];        /* nickname, else real name, else empty; for headers and pages */
	int64_t signed_out_ms; /* when all its sessions were last ended; 0: never */
};

/* The account an identity leads to; NOT_FOUND. Only verified identities lead anywhere when
 * must_be_verified. */
int32_t account_find(struct tx *tx, const char *ns, const char *subject, bool must_be_verified,
		     struct account *out);
int32_t account_by_id(struct tx *tx, int64_t id, struct account *out);
int32_t account_by_uuid(struct tx *tx, const char *uuid, struct account *out);
/* A new account with its first identity; CONFLICT when that has an owner. user_type NULL: the default. */
int32_t account_create(struct tx *tx, const struct account_settings *settings,
		       const struct pintle_identity *identity, const char *instance,
		       const char *claims_json, const char *user_type, struct account *out);
/* CONFLICT when it belongs to another account; OK when it is this one's already. An unverified identity
 * of somebody else gives way to a verified one. */
int32_t account_link(struct tx *tx, int64_t id, const struct pintle_identity *identity,
		     const char *instance, const char *claims_json);
/* What an enabled instance accepts. Where it has not said which of all that a trailing * stands for it can
 * prove today, only what the same instance has linked. */
struct way_in {
	const char *ns, *instance;
};
/* [any] The way that takes an identity; of several, that of the instance that has linked it (NULL: not known).
 * NULL when none of usable (NULL: empty) does. */
const struct way_in *account_way_in(const struct way_in *usable, const char *ns,
				    const char *instance);

/*
 * Takes an identity away; NOT_FOUND, or CONFLICT when no usable way in would be left. usable lists the
 * ways in there are; the last has no ns. An identity whose
 * subject is the account's own uuid only confirms a known account: it counts when another one remains
 * to name the account by.
 */
int32_t account_unlink(struct tx *tx, int64_t id, const char *ns, const char *subject,
		       const struct way_in *usable);
/* What an account is without some of its identities. */
enum account_rest {
	ACCOUNT_EMPTY,   /* nothing names it any more, whatever sections there may be */
	ACCOUNT_DORMANT, /* something names it, but no section of today signs in by that */
	ACCOUNT_REACHABLE
};

/* Looks what would be left if these identities went; what the account does not have of them counts for
 * nothing. */
int32_t account_weigh_rest(struct tx *tx, int64_t id, const struct pintle_identity *away,
			   size_t n_away, const struct way_in *usable, enum account_rest *out);
/* Takes an identity away, whatever is left; NOT_FOUND when the account does not have it. */
int32_t account_release(struct tx *tx, int64_t id, const struct pintle_identity *identity);
/* Swaps the identity of a namespace for another: a change of number. CONFLICT as account_link. */
int32_t account_replace(struct tx *tx, int64_t id, const struct pintle_identity *identity,
			const char *instance);
/* DELETED frees the identifiers. */
int32_t account_set_status(struct tx *tx, int64_t id, int32_t status);
struct login {
	const struct pintle_identity *identity; /* that was proved; or NULL */
	const char *ip;
	int64_t began_ms, at_ms; /* the proof; the sign-in */
};

/* Inside the sign-in transaction: locks the account. BUSY when it is not active any more, when the identity
 * does not lead to it any more, or when it was signed out everywhere since the proof began. */
int32_t account_note_login(struct tx *tx, int64_t id, const struct login *login);
/* With the end of all its sessions: proofs that have begun end as well. */
int32_t account_note_signed_out(struct tx *tx, int64_t id);
int32_t account_note_identity_use(struct tx *tx, const char *ns, const char *subject,
				  int64_t now_ms);

/* The whole profile, masked: what the owner sees. The caller owns *out. */
int32_t account_profile(struct tx *tx, int64_t id, json_t **out);
/* The few members of "user" beside tokens: id, uuid, phone, user_type, real_name, avatar. */
int32_t account_brief(struct tx *tx, int64_t id, json_t **out);
/* Writes the members of patch its owner may set, all or none. INVALID with field (lent from patch) and
 * reason: "format", "too_long", "taken", "not_allowed". Unknown members are ignored, the dangerous ones
 * refused. */
int32_t account_update_profile(struct tx *tx, int64_t id, const json_t *patch,
			       const char **field_out, const char **reason_out);
/* [any] The same judgement without writing; "taken" is only known when it is written. */
int32_t account_check_profile(const json_t *patch, const char **field_out, const char **reason_out);
/* [any] Whether account_create would take it. */
bool account_type_ok(const struct account_settings *settings, const char *user_type);
/* [any] What an identity is called in answers and requests, where subjects are masked. */
#define ACCOUNT_IDENTITY_ID_MAX 24
void account_identity_id(int64_t row_id, char out[ACCOUNT_IDENTITY_ID_MAX]);
/* [{id, provider, namespace, subject (masked), name, verified, bound_at, last_used_at}]; provider is the instance
 * of usable that accepts it, and can take it away, else the one that has linked it. */
int32_t account_identities(struct tx *tx, int64_t id, const struct way_in *usable, json_t **out);

#endif
