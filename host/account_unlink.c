/* SPDX-License-Identifier: Apache-2.0 */
/* Identities that are taken away, and what leads to an account without them. */
#include "account.h"

#include "account_rows.h"
#include "column.h"
#include "transact.h"

#include <string.h>

struct weighing {
	const struct pintle_identity *away;
	size_t n_away;
	const struct way_in *usable;
	size_t n_there;          /* of those that are to go, the account's */
	bool has_direct_way;     /* another one signs in by itself */
	bool has_confirming_way; /* another one signs in once the account is named */
	bool has_name;           /* another one names the account */
};

static bool accepts(const struct way_in *way, const char *ns, const char *instance)
{
	size_t len = strlen(way->ns);

	if (len == 0 || way->ns[len - 1] != '*')
		return strcmp(way->ns, ns) == 0;
	return instance && strncmp(way->ns, ns, len - 1) == 0 &&
	       strcmp(way->instance, instance) == 0;
}

const struct way_in *account_way_in(const struct way_in *usable, const char *ns,
				    const char *instance)
{
	const struct way_in *found = NULL;

	for (; usable && usable->ns; usable++) {
		if (!accepts(usable, ns, instance))
			continue;
		if (instance && strcmp(usable->instance, instance) == 0)
			return usable;
		if (!found)
			found = usable;
	}
	return found;
}

static bool is_to_go(const struct weighing *weighing, const char *ns, const char *subject)
{
	for (size_t i = 0; i < weighing->n_away; i++) {
		const struct pintle_identity *identity = &weighing->away[i];

		if (strcmp(identity->ns, ns) == 0 && strcmp(identity->subject, subject) == 0)
			return true;
	}
	return false;
}

/* Columns: namespace, subject, verified_at, uuid, instance. */
static int32_t weigh_identity(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	struct weighing *weighing = ctx;
	const char *ns = cols[0].ptr, *subject = cols[1].ptr;
	const char *instance = column_text(&cols[4]);
	bool is_confirming = strcmp(subject, cols[3].ptr) == 0;

	(void)n_cols;
	if (is_to_go(weighing, ns, subject)) {
		weighing->n_there++;
		return PINTLE_OK;
	}
	if (cols[2].type == PINTLE_V_NULL)
		return PINTLE_OK;
	if (!is_confirming)
		weighing->has_name = true;
	if (!account_way_in(weighing->usable, ns, instance))
		return PINTLE_OK;
	if (is_confirming)
		weighing->has_confirming_way = true;
	else
		weighing->has_direct_way = true;
	return PINTLE_OK;
}

static int32_t weigh(struct tx *tx, int64_t id, struct weighing *weighing)
{
	return db_each(tx,
		       "SELECT i.namespace, i.subject, i.verified_at, u.uuid, i.instance"
		       " FROM user_identities i JOIN users u ON u.id = i.user_id"
		       " WHERE i.user_id = ?",
		       DB_PARAMS(db_int(id)), weigh_identity, weighing);
}

static bool is_way_left(const struct weighing *weighing)
{
	return weighing->has_direct_way || (weighing->has_confirming_way && weighing->has_name);
}

int32_t account_weigh_rest(struct tx *tx, int64_t id, const struct pintle_identity *away,
			   size_t n_away, const struct way_in *usable, enum account_rest *out)
{
	struct weighing weighing = { .away = away, .n_away = n_away, .usable = usable };
	int32_t status = weigh(tx, id, &weighing);

	if (is_way_left(&weighing))
		*out = ACCOUNT_REACHABLE;
	else
		*out = weighing.has_name ? ACCOUNT_DORMANT : ACCOUNT_EMPTY;
	return status;
}

int32_t account_release(struct tx *tx, int64_t id, const struct pintle_identity *identity)
{
	int64_t n_changed = 0;
	int32_t status =
		db_exec(tx,
			"DELETE FROM user_identities"
			" WHERE user_id = ? AND namespace = ? AND subject = ?",
			DB_PARAMS(db_int(id), db_text(identity->ns), db_text(identity->subject)),
			&n_changed, NULL);

	if (status != PINTLE_OK)
		return status;
	return n_changed == 0 ? PINTLE_NOT_FOUND : identity_refresh_copy(tx, id, identity->ns);
}

/* ---- By their owner ---- */

struct unlinking {
	int64_t id;
	struct pintle_identity identity;
	const struct way_in *usable;
};

/* The lock comes first, so that of two parallel unlinks the second sees what the first has left. */
static int32_t unlink_identity(struct tx *tx, void *ctx)
{
	const struct unlinking *unlinking = ctx;
	struct weighing weighing = { .away = &unlinking->identity,
				     .n_away = 1,
				     .usable = unlinking->usable };
	int32_t status = account_lock(tx, unlinking->id);

	if (status == PINTLE_OK)
		status = weigh(tx, unlinking->id, &weighing);
	if (status != PINTLE_OK)
		return status;
	if (weighing.n_there == 0)
		return PINTLE_NOT_FOUND;
	if (!is_way_left(&weighing))
		return PINTLE_CONFLICT;
	return account_release(tx, unlinking->id, &unlinking->identity);
}

int32_t account_unlink(struct tx *tx, int64_t id, const char *ns, const char *subject,
		       const struct way_in *usable)
{
	struct unlinking unlinking = {
		.id = id,
		.identity = { .size = sizeof(unlinking.identity), .ns = ns, .subject = subject },
		.usable = usable,
	};

	return transact(tx, unlink_identity, &unlinking);
}
