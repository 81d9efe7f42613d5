/* SPDX-License-Identifier: Apache-2.0 */
/* Signs people in by an identifier they own and a password; the descriptor and its options. */
#include "password.h"
#include "schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct pintle_opt opts[] = {
	{ "scheme", PINTLE_CHOICE, PINTLE_OPT(struct conf, scheme), "bcrypt", 0, 0,
	  "bcrypt argon2id", "How new passwords are hashed; older hashes follow at sign-in." },
	{ "bcrypt_cost", PINTLE_INT, PINTLE_OPT(struct conf, bcrypt_cost), "10", 4, 14, NULL,
	  "Cost of bcrypt; each step doubles the time, 10 is about 50 ms. Below 10 is for tests." },
	{ "argon2_memory", PINTLE_INT, PINTLE_OPT(struct conf, argon2_memory), "19456", 64, 1048576,
	  NULL, "Memory of argon2id in KiB." },
	{ "argon2_passes", PINTLE_INT, PINTLE_OPT(struct conf, argon2_passes), "2", 1, 16, NULL,
	  "Passes of argon2id over its memory." },
	{ "min_length", PINTLE_INT, PINTLE_OPT(struct conf, min_length), "8", 8, 64, NULL,
	  "The least number of characters of a new password." },
	{ "min_bits", PINTLE_INT, PINTLE_OPT(struct conf, min_bits), "24", 0, 128, NULL,
	  "The least strength of a new password: log2 of the guesses zxcvbn thinks it takes." },
	{ "history", PINTLE_INT, PINTLE_OPT(struct conf, history), "0", 0, 10, NULL,
	  "How many earlier passwords, besides the present one, may not come back." },
	{ "notices", PINTLE_STRING, PINTLE_OPT(struct conf, notices), "", 0, 47, NULL,
	  "The group of senders by which the owner of an e-mail address is told that the password "
	  "was changed; empty: nobody is." },
};

static int32_t open_instance(const struct pintle_host *host, struct pintle_inst *inst,
			     const void *conf_of_section, void **self_out, char *err,
			     size_t err_len)
{
	const struct conf *conf = conf_of_section;
	struct password *self = calloc(1, sizeof(*self));

	(void)inst;
	(void)err;
	(void)err_len;
	if (!self)
		return PINTLE_INTERNAL;
	self->host = host;
	self->conf = conf;
	if (conf->scheme == SCHEME_BCRYPT)
		(void)snprintf(self->setting, sizeof(self->setting), "bcrypt:%lld",
			       (long long)conf->bcrypt_cost);
	else
		(void)snprintf(self->setting, sizeof(self->setting), "argon2id:%lld:%lld:1",
			       (long long)conf->argon2_memory, (long long)conf->argon2_passes);
	*self_out = self;
	return PINTLE_OK;
}

/* ---- Sign-in ---- */

/* Who is named. The looks of the kinds exclude each other, so the first that fits is the one. */
static int32_t read_identity(const struct pintle_host *host, struct pintle_call *call,
			     struct pintle_identity *out)
{
	static const char *const kinds[] = { "phone", "email", "username" };
	const char *account = host->field(call, "account");

	*out = (struct pintle_identity){ .size = sizeof(*out), .is_verified = 1 };
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const char *given = account ? account : host->field(call, kinds[i]);

		if (!given)
			continue;
		out->ns = kinds[i];
		out->subject = host->canonical(call, kinds[i], given);
		if (out->subject)
			return PINTLE_OK;
		if (!account)
			return host->invalid(call, kinds[i], "format");
	}
	return host->invalid(call, "account", account ? "format" : "required");
}

/* Sign-in succeeded; a better hash is a favour that may fail. */
static void rehash(const struct password *self, struct pintle_call *call, int64_t user_id,
		   const struct credential *old, const char *secret)
{
	const char *hash;

	if (self->host->hash(call, self->setting, secret, &hash) != PINTLE_OK ||
	    credential_rehash(self, call, user_id, old, hash) != PINTLE_OK)
		self->host->detail(call, "the hash was not renewed");
}

/* An unknown account takes the same way and the same time as a wrong password. */
static int32_t verify(void *self_of_inst, struct pintle_call *call)
{
	const struct password *self = self_of_inst;
	const struct pintle_host *host = self->host;
	const char *secret = host->field(call, "password");
	struct pintle_account account = { .size = sizeof(account) };
	struct credential stored = { .hash = "" };
	struct pintle_identity identity;
	int32_t status = read_identity(host, call, &identity), is_stale = 0;

	if (status != PINTLE_OK)
		return status;
	if (!secret)
		return host->invalid(call, "password", "required");
	status = host->target(call, identity.ns, identity.subject);
	if (status != PINTLE_OK)
		return status;
	status = host->account_find(call, &identity, &account);
	if (status == PINTLE_OK || status == PINTLE_NOT_FOUND) /* for strangers, too: id 0 */
		status = credential_load(self, call, account.id, &stored);
	if (status != PINTLE_OK && status != PINTLE_NOT_FOUND)
		return status;
	status = host->verify_hash(call, self->setting, secret, *stored.hash ? stored.hash : NULL,
				   &is_stale);
	if (status != PINTLE_OK)
		return PINTLE_IS_FAULT(status) ? status : PINTLE_DENIED;
	if (is_stale)
		rehash(self, call, account.id, &stored, secret);
	if (stored.must_change)
		status = host->set_json(call, "must_change_password", "true");
	return status == PINTLE_OK ? host->account(call, account.id) : status;
}

/* ---- The descriptor ---- */

static const struct pintle_input inputs[] = {
	{ "account", "手机号、邮箱或用户名", "Phone, e-mail or username", "text", NULL, 1, 1 },
	{ "password", "密码", "Password", "password", NULL, 1, 1 },
};

static const char *const namespaces[] = { "password", NULL };

static const struct pintle_provider provider = {
	.size = sizeof(provider),
	.flags = PINTLE_DIRECT,
	.label_zh = "密码",
	.label_en = "Password",
	.namespaces = namespaces,
	.denied = "invalid_credentials",
	PINTLE_INPUTS(inputs),
	.verify = verify,
	.bind = password_bind,
};

static const struct pintle_route routes[] = {
	{ "POST", "/api/v1/auth/login", PINTLE_TO_VERIFY, PINTLE_LOGIN, NULL, "password", NULL,
	  "Sign in with an identifier and a password" },
	{ "POST", "/api/v1/auth/register", PINTLE_TO_OP, PINTLE_REGISTER, NULL, NULL,
	  password_register,
	  "Make an account with a proved phone number or e-mail address and a password" },
	{ "POST", "/api/v1/auth/reset-password", PINTLE_TO_OP, PINTLE_RESET, NULL, NULL,
	  password_reset, "Set a new password with a proved phone number or e-mail address" },
	{ "GET", PASSWORD_PAGE, PINTLE_TO_OP, PINTLE_RESET, NULL, NULL, password_page,
	  "The page that the link of a mail for a new password leads to" },
	{ "POST", PASSWORD_PAGE, PINTLE_TO_OP, PINTLE_RESET, NULL, NULL, password_page_sent,
	  "Set a new password from that page" },
	{ "PUT", "/api/v1/user/password", PINTLE_TO_OP, PINTLE_CHANGE, "self", NULL,
	  password_change, "Change the password" },
};

static const struct pintle_api api = {
	.size = sizeof(api),
	PINTLE_ROUTES(routes),
};

static const struct pintle_plugin plugin = {
	.size = sizeof(plugin),
	.abi = PINTLE_ABI,
	.name = "password",
	.version = "0.1.0",
	.summary = "Sign-in with a password",
	PINTLE_OPTIONS(opts),
	.conf_size = sizeof(struct conf),
	PINTLE_MIGRATIONS(schema),
	.open = open_instance,
	.close = free,
	.provider = &provider,
	.api = &api,
};

PINTLE_PLUGIN(plugin)
