/* SPDX-License-Identifier: Apache-2.0 */
#include "password.h"

#include <pintle/helpers.h>
#include <stdio.h>
#include <string.h>

#define NS "password"

struct reader {
	const struct pintle_host *host;
	struct pintle_call *call;
	struct credential *out;
	int is_found;
};

static int32_t take_row(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	struct reader *reader = ctx;
	struct credential *out = reader->out;
	char *history;

	if (n_cols != 5)
		return PINTLE_INTERNAL;
	reader->is_found = 1;
	(void)snprintf(out->uuid, sizeof(out->uuid), "%s", cols[0].ptr);
	if (cols[1].type == PINTLE_V_NULL)
		return PINTLE_OK;
	if (cols[1].len >= sizeof(out->row))
		return PINTLE_INTERNAL;
	out->has_row = 1;
	memcpy(out->row, cols[1].ptr, cols[1].len);
	if (cols[4].type == PINTLE_V_NULL)
		return PINTLE_OK;
	history = reader->host->alloc(reader->call, cols[2].len + 1);
	if (!history)
		return PINTLE_INTERNAL;
	memcpy(out->hash, cols[1].ptr, cols[1].len);
	memcpy(history, cols[2].ptr, cols[2].len);
	out->history = history;
	out->must_change = cols[3].num;
	return PINTLE_OK;
}

int32_t credential_load(const struct password *self, struct pintle_call *call, int64_t user_id,
			struct credential *out)
{
	const struct pintle_value params[] = { pintle_text(NS), PINTLE_P_INT(user_id) };
	struct reader reader = { .host = self->host, .call = call, .out = out };
	const struct pintle_query query = {
		.size = sizeof(query),
		.sql = "SELECT u.uuid, c.hash, c.history, c.must_change, i.user_id FROM users u"
		       " LEFT JOIN user_identities i ON i.user_id = u.id AND i.namespace = ?"
		       " LEFT JOIN password_credentials c ON c.user_id = u.id"
		       " WHERE u.id = ?",
		.params = params,
		.n_params = 2,
		.row = take_row,
		.ctx = &reader,
	};
	int32_t status = self->host->db_query(call, &query);

	if (status == PINTLE_OK && !reader.is_found)
		return PINTLE_NOT_FOUND;
	return status;
}

static int32_t run(const struct password *self, struct pintle_call *call, const char *sql,
		   const struct pintle_value *params, uint32_t n_params, int64_t *n_changed_out)
{
	struct pintle_db_result result = { .size = sizeof(result) };
	const struct pintle_query query = {
		.size = sizeof(query),
		.sql = sql,
		.params = params,
		.n_params = n_params,
		.result = &result,
	};
	int32_t status = self->host->db_query(call, &query);

	*n_changed_out = result.n_changed;
	return status;
}

/* The hash that is replaced and those before it, as many as are kept. NULL without memory. */
static const char *next_history(const struct password *self, struct pintle_call *call,
				const struct credential *old)
{
	size_t len = strlen(old->hash) + (old->history ? strlen(old->history) : 0) + 2;
	char *history, *end;

	if (self->conf->history == 0 || !*old->hash)
		return "";
	history = self->host->alloc(call, len);
	if (!history)
		return NULL;
	(void)snprintf(history, len, "%s\n%s", old->hash, old->history);
	end = history;
	for (int64_t i = 0; i < self->conf->history && end; i++)
		end = strchr(end + 1, '\n');
	if (end)
		*end = '\0';
	return history;
}

/* Of two that replace the same row one finds it changed, or there already. */
static int32_t replace_row(const struct password *self, struct pintle_call *call, int64_t user_id,
			   const struct credential *old, const char *hash, const char *history)
{
	const struct pintle_value params[] = {
		pintle_text(hash),     PINTLE_P_INT(self->host->now_ms()),
		pintle_text(history),  PINTLE_P_INT(user_id),
		pintle_text(old->row),
	};
	int64_t n_changed;
	int32_t status;

	if (!old->has_row)
		return run(self, call,
			   "INSERT INTO password_credentials (hash, changed_at, history, user_id)"
			   " VALUES (?, ?, ?, ?)",
			   params, 4, &n_changed);
	status = run(self, call,
		     "UPDATE password_credentials SET hash = ?, changed_at = ?, history = ?,"
		     " must_change = 0 WHERE user_id = ? AND hash = ?",
		     params, 5, &n_changed);
	return status == PINTLE_OK && n_changed == 0 ? PINTLE_CONFLICT : status;
}

int32_t credential_store(const struct password *self, struct pintle_call *call, int64_t user_id,
			 const struct credential *old, const char *hash)
{
	const struct pintle_identity identity = {
		.size = sizeof(identity), .is_verified = 1, .ns = NS, .subject = old->uuid
	};
	const char *history = next_history(self, call, old);
	int32_t status;

	if (!history)
		return PINTLE_INTERNAL;
	/* First, since it locks the account: the row refers to it, which would be half a lock, and two
	 * with that half can only wait for each other. */
	status = self->host->link(call, user_id, &identity);
	return status == PINTLE_OK ? replace_row(self, call, user_id, old, hash, history) : status;
}

int32_t credential_rehash(const struct password *self, struct pintle_call *call, int64_t user_id,
			  const struct credential *old, const char *hash)
{
	const struct pintle_value params[] = { pintle_text(hash), PINTLE_P_INT(user_id),
					       pintle_text(old->hash) };
	int64_t n_changed;

	return run(self, call,
		   "UPDATE password_credentials SET hash = ? WHERE user_id = ? AND hash = ?",
		   params, 3, &n_changed);
}
