/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the wechat plugin. Everything but open() runs in an op, on a worker. */
#ifndef WECHAT_H
#define WECHAT_H

#include <pintle/plugin.h>
#include <stdbool.h>

/* How a section signs people in: MODE_WEBSITE sends the browser to WeChat's page, MODE_QR shows a QR code
 * of our own that WeChat opens on the phone, MODE_MINI takes the code of a mini program. */
enum { MODE_WEBSITE, MODE_QR, MODE_MINI };

struct conf {
	int32_t mode, scope;
	const char *appid, *secret;
	const char *platform;
	const char *api_url, *page_url, *ca_file;
	int64_t timeout_ms;
};

struct wechat {
	const struct pintle_host *host;
	struct pintle_inst *inst;
	const struct conf *conf;
	char openid_ns[96], unionid_ns[96]; /* unionid_ns is empty without a platform */
};

/* ---- person.c: whom WeChat has named ---- */

/* Texts are lent until the call ends; "" is unknown. */
struct person {
	const char *openid, *unionid;
	const char *nickname, *avatar_url, *country, *province, *city;
	const char *access_token, *refresh_token, *session_key;
	int64_t gender;     /* 0 unknown, 1 male, 2 female */
	int64_t expires_ms; /* of access_token; 0: it has none */
};

/* For the flow's next step; secrets are sealed. */
int32_t person_keep(const struct wechat *self, struct pintle_call *call,
		    const struct person *person);
/* What person_keep kept; EXPIRED when nobody was named. Tokens stay sealed. */
int32_t person_kept(const struct wechat *self, struct pintle_call *call, struct person *out);
/* Names the person as proved: openid and unionid, and what is known of them. */
int32_t person_prove(const struct wechat *self, struct pintle_call *call,
		     const struct person *person);

/* ---- upstream.c: WeChat's interface ---- */

/* All three: DENIED when the code or the person is refused, LIMITED when WeChat wants us to wait, a fault
 * otherwise, with detail(). */

/* A code of a page: tokens, then whatever WeChat tells of the person. A code is sent once. */
int32_t upstream_exchange(const struct wechat *self, struct pintle_call *call, const char *code,
			  struct person *out);
/* A code of a mini program. */
int32_t upstream_code2session(const struct wechat *self, struct pintle_call *call, const char *code,
			      struct person *out);
/* Reads the person again with tokens that are in person, refreshed when they have expired. EXPIRED: they
 * must sign in with WeChat again. */
int32_t upstream_renew(const struct wechat *self, struct pintle_call *call, struct person *person);

/* ---- store.c: writing table wechat_users ---- */

/* query without its size. */
int32_t store_run(const struct wechat *self, struct pintle_call *call,
		  const struct pintle_query *query);
/* The provider's record: the row of the person who was proved belongs to the account now; or, when not
 * is_bound, no row belongs to it any more and no token is left. */
int32_t store_record(void *self, struct pintle_call *call, int64_t account_id, int32_t is_bound);
/* Writes what person_kept gave into a row of the caller's account; NOT_FOUND when it is not theirs any more. */
int32_t store_renew(const struct wechat *self, struct pintle_call *call, int64_t row_id,
		    const struct person *person);

/* ---- profile.c: reading it ---- */

/* Sets wechat_info; NOT_FOUND when the account has no WeChat. */
int32_t profile_tell(const struct wechat *self, struct pintle_call *call, int64_t account_id);
/* The profile's member wechat_info. */
int32_t profile_describe(void *self, struct pintle_call *call);
/* For the page that asks: which account a binding is for, as kept value "account". */
int32_t profile_keep_account(const struct wechat *self, struct pintle_call *call);
/* POST /api/v1/user/wechat/renew */
int32_t profile_renew(void *self, struct pintle_call *call);

/* ---- url.c ---- */

/* Where a browser goes to name itself to WeChat. NULL without memory. */
const char *url_authorize(const struct wechat *self, struct pintle_call *call, const char *ticket);
/* What our QR code says. */
const char *url_scan(const struct wechat *self, struct pintle_call *call, const char *ticket);

/* ---- Steps ---- */

/* Each ticket is good for one step: what the code of a picture opens, what WeChat brings back, what the
 * phone's answer needs. Which one is which the flow keeps under the step's name. */
#define TICKET_SCAN "qr_code"
#define TICKET_RETURN "return_ticket"
#define TICKET_ANSWER "answer_ticket"
#define TICKET_CLAIM "claim_ticket" /* known to the phone's browser alone, which remembers it */
#define TICKET_OWN "own_ticket"     /* known to nobody: its opener's, by way of flow_by_id */

/* ---- flow.c, phone.c: the ops ---- */

int32_t flow_begin(void *self, struct pintle_call *call);
int32_t flow_verify(void *self, struct pintle_call *call);
int32_t flow_callback(void *self, struct pintle_call *call);
int32_t flow_status(void *self, struct pintle_call *call);
int32_t flow_confirm(void *self, struct pintle_call *call);
int32_t flow_svg(void *self, struct pintle_call *call);
int32_t flow_png(void *self, struct pintle_call *call);

/* GET of what the QR code says, and POST of the page's answer. */
int32_t phone_scan(void *self, struct pintle_call *call);
int32_t phone_post(void *self, struct pintle_call *call);
/* Whether it is the phone that has claimed the flow which is open. */
bool phone_has_claimed(const struct wechat *self, struct pintle_call *call);
/* WeChat has sent it back, and whom it has named is kept: to what the code says, since what WeChat brings is
 * good once and not to be left in a browser. */
int32_t phone_go_to_code(const struct wechat *self, struct pintle_call *call);
/* After a ticket that is good no more: the phone that has claimed the flow goes on where it is. EXPIRED: it
 * is another phone, or the flow is over. */
int32_t phone_resume(const struct wechat *self, struct pintle_call *call);
/* Its owner has answered, by the ticket of the page that asked. */
int32_t phone_answer(const struct wechat *self, struct pintle_call *call, const char *ticket);

#endif
