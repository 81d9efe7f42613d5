/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the email plugin. All but opening runs in an op, on a worker. */
#ifndef EMAIL_H
#define EMAIL_H

#include "templates.h"

#include <pintle/host.h>

#define N_PURPOSES 5 /* login to change; a mail is no second factor */

struct conf {
	const char *group, *reset_page, *mails[TEMPLATE_LANGS][TEMPLATE_PARTS];
	int32_t link;
};

struct email {
	const struct pintle_host *host;
	struct pintle_inst *inst;
	const struct conf *conf;
};

/* ---- mail.c: what is sent ---- */

/* What a proof of this purpose is for, as the middle of a sentence. */
const char *mail_action(int32_t purpose, const char *lang);
/* The mail of a begin. link: NULL when it has none. */
int32_t mail_send_proof(const struct email *self, struct pintle_call *call, const char *to,
			const char *code, const char *link);
/* Before it happens: tells the addresses that the account has, the oldest ones; not fresh, which comes or
 * is proved again, or is NULL. A fault of the look-up; that one could not be told holds up nothing and
 * stands in the log. */
int32_t mail_tell(const struct email *self, struct pintle_call *call, enum template_notice notice,
		  const char *fresh);

/* ---- link.c: the other way to prove an address ---- */

/* In begin: a link for this flow and the address to; lent until the call ends. */
int32_t link_make(const struct email *self, struct pintle_call *call, const char *to,
		  const char **link_out);
#define LINK_SECRET_LEN 32
/* Where a link led: what its browser is given. Wipe it. */
int32_t link_give(const struct email *self, struct pintle_call *call,
		  char grant[LINK_SECRET_LEN + 1]);
/* In verify: whether the request brings what the link gave instead of a code; and its judgement. */
int link_is_followed(const struct email *self, struct pintle_call *call);
int32_t link_verify(const struct email *self, struct pintle_call *call);

/* ---- landing.c: the page a link leads to ---- */

#define LANDING_PAGE "/email/link"

int32_t landing_show(void *self, struct pintle_call *call);
/* The button of that page: only this takes the link. */
int32_t landing_go_on(void *self, struct pintle_call *call);

#endif
