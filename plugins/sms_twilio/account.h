/* SPDX-License-Identifier: Apache-2.0 */
/* Who we are at Twilio: alike in all plugins that ask it. [any] */
#ifndef TWILIO_ACCOUNT_H
#define TWILIO_ACCOUNT_H

#include <pintle/basic.h>
#include <pintle/plugin.h>

#include <stdbool.h>
#include <string.h>

#define ACCOUNT_SID_MAX 64 /* they have 34 */

struct account {
	const char *sid, *key_sid, *secret;
};

/* Its options, for a conf with such a member. */
#define ACCOUNT_OPTS(conf, member)                                                                 \
	{ "account_sid",   PINTLE_STRING, PINTLE_OPT(conf, member.sid),          NULL, 1,          \
	  ACCOUNT_SID_MAX, NULL,          "The account's SID, AC and 32 digits." },                \
		{ "key_sid",                                                                       \
		  PINTLE_STRING,                                                                   \
		  PINTLE_OPT(conf, member.key_sid),                                                \
		  "",                                                                              \
		  0,                                                                               \
		  ACCOUNT_SID_MAX,                                                                 \
		  NULL,                                                                            \
		  "The SID of an API key, SK and 32 digits; empty: secret is the account's auth "  \
		  "token." },                                                                      \
	{                                                                                          \
		"secret", PINTLE_SECRET, PINTLE_OPT(conf, member.secret), NULL, 1, 256, NULL,      \
			"The secret of the API key, or the auth token of the account."             \
	}

/* What stands in a path or before a colon must be letters and digits, which SIDs are. */
static inline bool account_is_sid(const char *text)
{
	static const char alnum[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789";

	return !text[strspn(text, alnum)];
}

/* Why it cannot be ours; NULL when it can. */
static inline const char *account_fault(const struct account *account)
{
	if (!account_is_sid(account->sid))
		return "account_sid must be letters and digits";
	return account_is_sid(account->key_sid) ? NULL : "key_sid must be letters and digits";
}

/* As pintle_basic. */
static inline int account_basic(const struct pintle_host *host, const struct account *account,
				char out[PINTLE_BASIC_MAX])
{
	return pintle_basic(host, *account->key_sid ? account->key_sid : account->sid,
			    account->secret, out);
}

#endif
