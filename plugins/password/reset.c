/* SPDX-License-Identifier: Apache-2.0 */
/* A new password for who has proved to be the owner, instead of the old one. Nobody is signed in by it. */
#include "password.h"

/* A proof is spent by being looked at, so all that can be judged before it is. */
static int32_t check(const struct password *self, struct pintle_call *call,
		     struct pintle_identity *owner)
{
	const struct pintle_host *host = self->host;
	const char *name, *secret = password_field(host, call, "new_password", "password", &name);
	const char *words[OWNER_WORDS];
	int32_t status = owner_read(host, call, owner);

	if (status == PINTLE_OK)
		status = owner_words(host, call, owner, NULL, words);
	return status == PINTLE_OK ? strength_check(self, call, name, secret, words) : status;
}

int32_t password_reset_check(const struct password *self, struct pintle_call *call)
{
	struct pintle_identity owner;

	return check(self, call, &owner);
}

static int32_t find_account(const struct pintle_host *host, struct pintle_call *call,
			    const struct pintle_identity *owner, struct pintle_account *out)
{
	int32_t status = host->account_find(call, owner, out);

	return status == PINTLE_OK && out->status != PINTLE_ACTIVE ? PINTLE_FORBIDDEN : status;
}

int32_t password_reset(void *self_of_inst, struct pintle_call *call)
{
	const struct password *self = self_of_inst;
	const struct pintle_host *host = self->host;
	const char *name, *secret = password_field(host, call, "new_password", "password", &name);
	struct pintle_account account = { .size = sizeof(account) };
	struct credential old = { .hash = "" };
	struct pintle_identity owner;
	int32_t status = check(self, call, &owner);

	if (status == PINTLE_OK)
		status = host->prove(call, owner.ns, &owner.subject);
	if (status == PINTLE_OK)
		status = find_account(host, call, &owner, &account);
	if (status == PINTLE_OK)
		status = credential_load(self, call, account.id, &old);
	if (status == PINTLE_OK)
		status = strength_check_history(self, call, name, secret, &old);
	if (status == PINTLE_OK)
		status = password_store(self, call, account.id, &old, secret);
	if (status == PINTLE_CONFLICT)
		return PINTLE_EXPIRED; /* another change came first */
	if (status != PINTLE_OK)
		return status;
	(void)host->audit(call, "password_reset", old.uuid, NULL); /* the host logs what it lost */
	notice_send(self, call, account.id);
	return host->revoke_sessions(call, account.id, 0, "password_reset");
}
