/* SPDX-License-Identifier: Apache-2.0 */
/* What an account that is signed in does to its password: change it, or set the first one. */
#include "password.h"

#include <string.h>

static const char *const common_words[] = { "pintle", NULL };

const char *password_field(const struct pintle_host *host, struct pintle_call *call,
			   const char *first, const char *second, const char **name_out)
{
	const char *value = host->field(call, first);

	*name_out = first;
	if (value)
		return value;
	value = host->field(call, second);
	if (value)
		*name_out = second;
	return value;
}

/* The present password, when there is one. A wrong one counts as at sign-in. */
static int32_t check_current(const struct password *self, struct pintle_call *call,
			     const struct credential *old)
{
	const struct pintle_host *host = self->host;
	const char *name,
		*secret = password_field(host, call, "old_password", "current_password", &name);
	int32_t status, is_stale;

	if (!*old->hash)
		return PINTLE_OK;
	if (!secret)
		return host->invalid(call, name, "required");
	status = host->target(call, "password", old->uuid);
	if (status != PINTLE_OK)
		return status;
	status = host->verify_hash(call, self->setting, secret, old->hash, &is_stale);
	return PINTLE_IS_DENIAL(status) ? PINTLE_DENIED : status;
}

static int32_t store_once(const struct password *self, struct pintle_call *call, int64_t user_id,
			  const struct credential *old, const char *hash)
{
	const struct pintle_host *host = self->host;
	int32_t status = host->db_begin(call);

	if (status != PINTLE_OK)
		return status;
	status = credential_store(self, call, user_id, old, hash);
	if (status == PINTLE_OK)
		return host->db_commit(call);
	host->db_rollback(call);
	return status;
}

int32_t password_store(const struct password *self, struct pintle_call *call, int64_t user_id,
		       const struct credential *old, const char *secret)
{
	const struct pintle_host *host = self->host;
	const char *hash;
	int32_t status = host->hash(call, self->setting, secret, &hash);

	if (status != PINTLE_OK)
		return status;
	for (int i = 0; i < PASSWORD_TRIES; i++) {
		status = store_once(self, call, user_id, old, hash);
		if (status != PINTLE_BUSY)
			break;
	}
	return status;
}

static int wants_others_out(const struct pintle_host *host, struct pintle_call *call)
{
	size_t len;
	const char *json = host->field_json(call, "logout_others", &len);

	return !json || (strcmp(json, "false") != 0 && strcmp(json, "\"false\"") != 0);
}

int32_t password_change(void *self_of_inst, struct pintle_call *call)
{
	const struct password *self = self_of_inst;
	const struct pintle_host *host = self->host;
	const char *name, *secret = password_field(host, call, "new_password", "password", &name);
	struct credential old = { .hash = "" };
	int32_t status = credential_load(self, call, host->user(call), &old);

	if (status == PINTLE_OK)
		status = strength_check(self, call, name, secret, common_words);
	if (status == PINTLE_OK)
		status = check_current(self, call, &old);
	if (status == PINTLE_OK)
		status = strength_check_history(self, call, name, secret, &old);
	if (status == PINTLE_OK)
		status = password_store(self, call, host->user(call), &old, secret);
	if (status == PINTLE_CONFLICT)
		return PINTLE_DENIED; /* another change came first: what was present is not any more */
	if (status != PINTLE_OK)
		return status;
	(void)host->audit(call, "password_change", old.uuid, NULL); /* the host logs what it lost */
	notice_send(self, call, host->user(call));
	if (wants_others_out(host, call))
		return host->revoke_sessions(call, host->user(call), 1, "password_change");
	return PINTLE_OK;
}

int32_t password_bind(void *self_of_inst, struct pintle_call *call)
{
	const struct password *self = self_of_inst;
	const struct pintle_host *host = self->host;
	const char *name, *secret = password_field(host, call, "password", "new_password", &name);
	struct credential old = { .hash = "" };
	int32_t status = credential_load(self, call, host->user(call), &old);

	if (status == PINTLE_OK && *old.hash)
		return PINTLE_CONFLICT;
	if (status == PINTLE_OK)
		status = strength_check(self, call, name, secret, common_words);
	if (status == PINTLE_OK)
		status = password_store(self, call, host->user(call), &old, secret);
	if (status != PINTLE_OK)
		return status;
	notice_send(self, call, host->user(call));
	return host->subject(call, "password", old.uuid);
}
