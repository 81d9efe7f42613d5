/* SPDX-License-Identifier: Apache-2.0 */
#include "newcomer.h"

#include "host.h"
#include "json.h"

#include <string.h>

char *newcomer_claims(struct pintle_call *call)
{
	return json_object_size(call->outcome.claims) > 0
		       ? json_text(&call->arena, call->outcome.claims)
		       : NULL;
}

/* Only what its owner may set as well; an upstream's e-mail is a claim, not a proof. */
static json_t *profile_claims(const struct pintle_call *call)
{
	static const char *const names[] = { "nickname", "avatar", "gender", "birthday",
					     "province", "city",   "county", "address" };
	json_t *patch = json_object();

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		json_t *value = json_object_get(call->outcome.claims, names[i]);

		if (value)
			(void)json_object_set(patch, names[i], value);
	}
	return patch;
}

int32_t newcomer_check(struct pintle_call *call)
{
	const char *user_type = json_text_member(call->outcome.claims, "user_type");
	const char *field = NULL, *reason = NULL;
	json_t *patch;
	int32_t status;

	if (user_type && !account_type_ok(&call->host->settings->account, user_type))
		return call_invalid(call, "user_type", "not_allowed");
	patch = profile_claims(call);
	status = account_check_profile(patch, &field, &reason);
	if (status == PINTLE_INVALID)
		(void)call_invalid(call, field, reason);
	json_decref(patch);
	return status;
}

static int32_t apply_claims(struct pintle_call *call, int64_t account_id)
{
	json_t *patch = profile_claims(call);
	const char *field = NULL, *reason = NULL;
	int32_t status = PINTLE_OK;

	if (json_object_size(patch) > 0)
		status = account_update_profile(&call->tx, account_id, patch, &field, &reason);
	if (status == PINTLE_INVALID)
		(void)call_invalid(call, field, reason);
	json_decref(patch);
	return status;
}

int32_t newcomer_create(struct pintle_call *call, const struct pintle_identity *identity,
			struct account *out)
{
	const char *user_type = json_text_member(call->outcome.claims, "user_type");
	int32_t status = account_create(&call->tx, &call->host->settings->account, identity,
					call->inst->name, newcomer_claims(call), user_type, out);

	if (status == PINTLE_INVALID)
		return call_invalid(call, "user_type", "not_allowed");
	if (status != PINTLE_OK)
		return status;
	call->outcome.created_id = out->id;
	return apply_claims(call, out->id);
}
