/* SPDX-License-Identifier: Apache-2.0 */
/* A new account from a proved number or address and a password. Nothing is spent before all else is right. */
#include "password.h"

#include <string.h>

struct applicant {
	struct pintle_identity owner;
	const char *username; /* canonical, or NULL */
	const char *secret, *hash;
};

static int32_t check_username(const struct pintle_host *host, struct pintle_call *call,
			      struct applicant *applicant)
{
	const char *given = host->field(call, "username");
	struct pintle_account account = { .size = sizeof(account) };
	struct pintle_identity identity = { .size = sizeof(identity), .ns = "username" };
	int32_t status;

	if (!given || !*given)
		return PINTLE_OK;
	applicant->username = host->canonical(call, "username", given);
	if (!applicant->username)
		return host->invalid(call, "username", "format");
	identity.subject = applicant->username;
	status = host->account_find(call, &identity, &account);
	if (status == PINTLE_NOT_FOUND)
		return PINTLE_OK;
	return status == PINTLE_OK ? PINTLE_CONFLICT : status;
}

/* What the host keeps with the new account, and judges before it spends the proof. */
static int32_t claim_profile(const struct pintle_host *host, struct pintle_call *call)
{
	static const char *const names[] = { "nickname", "user_type" };
	int32_t status = PINTLE_OK;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && status == PINTLE_OK; i++) {
		const char *value = host->field(call, names[i]);

		if (value)
			status = host->claim(call, names[i], value);
	}
	return status;
}

static int32_t check(const struct password *self, struct pintle_call *call,
		     struct applicant *applicant)
{
	const struct pintle_host *host = self->host;
	const char *words[OWNER_WORDS];
	int32_t status = owner_read(host, call, &applicant->owner);

	if (status == PINTLE_OK)
		status = check_username(host, call, applicant);
	if (status == PINTLE_OK)
		status = claim_profile(host, call);
	if (status == PINTLE_OK)
		status = owner_words(host, call, &applicant->owner, applicant->username, words);
	if (status != PINTLE_OK)
		return status;
	applicant->secret = host->field(call, "password");
	return strength_check(self, call, "password", applicant->secret, words);
}

static int32_t create(const struct password *self, struct pintle_call *call,
		      const struct applicant *applicant, struct pintle_account *account)
{
	const struct pintle_host *host = self->host;
	const struct pintle_identity username = { .size = sizeof(username),
						  .is_verified = 1,
						  .ns = "username",
						  .subject = applicant->username };
	struct credential credential = { .hash = "" };
	int32_t status = host->db_begin(call);

	if (status != PINTLE_OK)
		return status;
	status = host->account_create(call, &applicant->owner, account);
	if (status == PINTLE_OK && applicant->username)
		status = host->link(call, account->id, &username);
	if (status == PINTLE_OK) {
		memcpy(credential.uuid, account->uuid, sizeof(credential.uuid));
		status = credential_store(self, call, account->id, &credential, applicant->hash);
	}
	if (status == PINTLE_OK)
		return host->db_commit(call);
	host->db_rollback(call);
	return status;
}

int32_t password_register(void *self_of_inst, struct pintle_call *call)
{
	const struct password *self = self_of_inst;
	const struct pintle_host *host = self->host;
	struct pintle_account account = { .size = sizeof(account) };
	struct applicant applicant = { .username = NULL };
	int32_t status = check(self, call, &applicant);

	if (status == PINTLE_OK)
		status = host->prove(call, applicant.owner.ns, &applicant.owner.subject);
	if (status == PINTLE_OK)
		status = host->hash(call, self->setting, applicant.secret, &applicant.hash);
	if (status != PINTLE_OK)
		return status;
	for (int i = 0; i < PASSWORD_TRIES; i++) {
		status = create(self, call, &applicant, &account);
		if (status != PINTLE_BUSY)
			break;
	}
	return status == PINTLE_OK ? host->account(call, account.id) : status;
}
