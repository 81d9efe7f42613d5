/* SPDX-License-Identifier: Apache-2.0 */
/* A new password for who has proved to be the owner, instead of the old one. Nobody is signed in by it. */
#include "password.h"

#include <string.h>

/* Which identifier is to be proved: the field that is there. */
static int32_t read_proof(const struct pintle_host *host, struct pintle_call *call,
			  struct pintle_identity *out)
{
	static const char *const kinds[] = { "phone", "email" };

	*out = (struct pintle_identity){ .size = sizeof(*out), .is_verified = 1 };
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const char *given = host->field(call, kinds[i]);

		if (!given)
			continue;
		out->ns = kinds[i];
		out->subject = host->canonical(call, kinds[i], given);
		if (!out->subject)
			return host->invalid(call, kinds[i], "format");
		return host->field(call, "code") ? PINTLE_OK
						 : host->invalid(call, "code", "required");
	}
	return host->invalid(call, kinds[0], "required");
}

/* A proof is spent by being looked at, so all that can be judged before it is. */
static int32_t check(const struct password *self, struct pintle_call *call,
		     struct pintle_identity *identity)
{
	const struct pintle_host *host = self->host;
	const char *name, *secret = password_field(host, call, "new_password", "password", &name);

	if (read_proof(host, call, identity) != PINTLE_OK || !identity->subject)
		return PINTLE_INVALID;
	/* Of a number what stands behind "+86", too: so it is typed. */
	const char *const words[] = { "pintle", identity->subject + (*identity->subject == '+'),
				      strncmp(identity->subject, "+86", 3) == 0
					      ? identity->subject + 3
					      : identity->subject,
				      NULL };
	return strength_check(self, call, name, secret, words);
}

static int32_t find_account(const struct pintle_host *host, struct pintle_call *call,
			    const struct pintle_identity *identity, struct pintle_account *out)
{
	int32_t status = host->account_find(call, identity, out);

	return status == PINTLE_OK && out->status != PINTLE_ACTIVE ? PINTLE_FORBIDDEN : status;
}

int32_t password_reset(void *self_of_inst, struct pintle_call *call)
{
	const struct password *self = self_of_inst;
	const struct pintle_host *host = self->host;
	const char *name, *secret = password_field(host, call, "new_password", "password", &name);
	struct pintle_account account = { .size = sizeof(account) };
	struct credential old = { .hash = "" };
	struct pintle_identity identity;
	int32_t status = check(self, call, &identity);

	if (status == PINTLE_OK)
		status = host->prove(call, identity.ns, &identity.subject);
	if (status == PINTLE_OK)
		status = find_account(host, call, &identity, &account);
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
	return host->revoke_sessions(call, account.id, 0, "password_reset");
}
