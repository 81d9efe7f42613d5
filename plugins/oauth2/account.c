/* SPDX-License-Identifier: Apache-2.0 */
/* An account has one subject of a provider: a second one would be somebody else's way in. */
#include "oauth2.h"

#include <pintle/helpers.h>

static int32_t note_found(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	(void)cols;
	(void)n_cols;
	*(bool *)ctx = true;
	return PINTLE_OK;
}

static int32_t has_other(const struct oauth2 *self, struct pintle_call *call, int64_t account_id,
			 const char *sub, bool *out)
{
	const struct pintle_value params[] = { PINTLE_P_INT(account_id), pintle_text(self->ns),
					       pintle_text(sub) };
	const struct pintle_query query = {
		.size = sizeof(query),
		.sql = "SELECT 1 FROM user_identities"
		       " WHERE user_id = ? AND namespace = ? AND subject <> ?",
		.params = params,
		.n_params = PINTLE_N(params),
		.row = note_found,
		.ctx = out,
	};

	*out = false;
	return self->host->db_query(call, &query);
}

static int32_t find(const struct oauth2 *self, struct pintle_call *call, const char *ns,
		    const char *subject, struct pintle_account *out)
{
	const struct pintle_identity identity = {
		.size = sizeof(identity), .is_verified = 1, .ns = ns, .subject = subject
	};

	return self->host->account_find(call, &identity, out);
}

int32_t account_may_join(const struct oauth2 *self, struct pintle_call *call, const char *email,
			 const char *sub, bool *out)
{
	struct pintle_account account = { .size = sizeof(account) };
	bool is_other = false;
	int32_t status = find(self, call, self->ns, sub, &account);

	*out = false;
	if (status != PINTLE_NOT_FOUND)
		return status;
	status = find(self, call, "email", email, &account);
	if (status == PINTLE_OK)
		status = has_other(self, call, account.id, sub, &is_other);
	*out = !is_other;
	return status == PINTLE_NOT_FOUND ? PINTLE_OK : status;
}

int32_t account_record(void *self_of_inst, struct pintle_call *call, int64_t account_id,
		       int32_t is_bound)
{
	const struct oauth2 *self = self_of_inst;
	struct person person;
	bool is_other = false;
	int32_t status;

	if (!is_bound || self->host->purpose(call) != PINTLE_BIND)
		return PINTLE_OK;
	status = person_kept(self, call, &person);
	if (status == PINTLE_OK)
		status = has_other(self, call, account_id, person.sub, &is_other);
	return status == PINTLE_OK && is_other ? PINTLE_CONFLICT : status;
}
