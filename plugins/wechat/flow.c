/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a sign-in as its opener takes them, and the browser's way back from WeChat. */
#include "page.h"
#include "qr.h"
#include "wechat.h"

#include <jansson.h>
#include <pintle/redirect.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CODE_MAX 256
#define TICKET_MAX 128
#define DEVICE_MAX 64

/* ---- Begin ---- */

/* What the phone shows of who asks, and where the opener's browser goes in the end. */
static int32_t keep_opener(const struct wechat *self, struct pintle_call *call)
{
	const struct pintle_host *host = self->host;
	const char *agent = host->header(call, "user-agent");
	char device[DEVICE_MAX], address[DEVICE_MAX], now[24];
	int32_t status = pintle_redirect_keep(host, call);

	page_device(agent ? agent : "", device, sizeof(device));
	(void)snprintf(address, sizeof(address), "%s", host->client(call));
	(void)snprintf(now, sizeof(now), "%lld", (long long)host->now_ms());
	if (status == PINTLE_OK)
		status = host->keep(call, "device", device);
	if (status == PINTLE_OK)
		status = host->keep(call, "address", address);
	return status == PINTLE_OK ? host->keep(call, "begun_ms", now) : status;
}

static int32_t tell_website(const struct wechat *self, struct pintle_call *call, const char *ticket)
{
	const struct pintle_host *host = self->host;
	const char *url = url_authorize(self, call, ticket);
	int32_t status = url ? host->set(call, "authorize_url", url) : PINTLE_INTERNAL;

	if (status == PINTLE_OK)
		status = host->set(call, "qr_url", url); /* the page has WeChat's own code */
	return status == PINTLE_OK ? host->set(call, "next", "redirect") : status;
}

static int32_t tell_picture(const struct wechat *self, struct pintle_call *call, const char *name,
			    const char *url, const char *file)
{
	size_t len = strlen(url) + strlen(file) + 2;
	char *whole = self->host->alloc(call, len);

	if (!whole)
		return PINTLE_INTERNAL;
	(void)snprintf(whole, len, "%s/%s", url, file);
	return self->host->set(call, name, whole);
}

static int32_t tell_code(const struct wechat *self, struct pintle_call *call, const char *ticket)
{
	const char *url = url_scan(self, call, ticket);
	int32_t status = url ? tell_picture(self, call, "qr_url", url, "qr.svg") : PINTLE_INTERNAL;

	if (status == PINTLE_OK)
		status = tell_picture(self, call, "qr_png_url", url, "qr.png");
	return status == PINTLE_OK ? self->host->set(call, "next", "poll") : status;
}

/* WeChat's page brings the ticket back, once. Our own code may be looked at again and again: the flow says
 * whether it has been claimed. */
static int32_t make_tickets(const struct wechat *self, struct pintle_call *call)
{
	bool is_website = self->conf->mode == MODE_WEBSITE;
	const char *ticket =
		pintle_ticket_make(self->host, call, is_website ? TICKET_RETURN : TICKET_SCAN,
				   is_website ? PINTLE_TICKET_ONCE : 0);
	const char *own = pintle_ticket_make(self->host, call, TICKET_OWN, 0);
	int32_t status = ticket && own ? self->host->set(call, "qr_code", ticket) : PINTLE_INTERNAL;

	if (status != PINTLE_OK)
		return status;
	return is_website ? tell_website(self, call, ticket) : tell_code(self, call, ticket);
}

int32_t flow_begin(void *self_of_inst, struct pintle_call *call)
{
	const struct wechat *self = self_of_inst;
	int32_t status;

	if (!pintle_redirect_may_prove(self->host, call))
		return PINTLE_FORBIDDEN;
	status = keep_opener(self, call);
	if (status == PINTLE_OK && self->host->purpose(call) == PINTLE_BIND)
		status = profile_keep_account(self, call);
	return status == PINTLE_OK ? make_tickets(self, call) : status;
}

/* ---- Verify ---- */

/* The program's code is the whole proof. */
static int32_t verify_mini(const struct wechat *self, struct pintle_call *call)
{
	const struct pintle_host *host = self->host;
	const char *code = host->field(call, "js_code");
	const char *mark = code ? host->blind(call, "wechat code", code) : NULL;
	struct person person;
	int32_t status;

	if (!code || !*code)
		return host->invalid(call, "js_code", "required");
	if (strlen(code) > CODE_MAX)
		return host->invalid(call, "js_code", "too_long");
	status = mark ? host->target(call, "wechat:code", mark) : PINTLE_INTERNAL;
	if (status == PINTLE_OK)
		status = upstream_code2session(self, call, code, &person);
	if (status == PINTLE_OK)
		status = person_keep(self, call, &person);
	if (status == PINTLE_OK)
		status = person_kept(self, call, &person);
	return status == PINTLE_OK ? person_prove(self, call, &person) : status;
}

int32_t flow_verify(void *self_of_inst, struct pintle_call *call)
{
	const struct wechat *self = self_of_inst;
	const struct pintle_host *host = self->host;
	const char *qr_code = host->field(call, "qr_code"), *kept;
	struct person person;

	if (!pintle_redirect_may_prove(self->host, call))
		return PINTLE_FORBIDDEN;
	if (self->conf->mode == MODE_MINI)
		return verify_mini(self, call);
	kept = host->kept(call, self->conf->mode == MODE_WEBSITE ? TICKET_RETURN : TICKET_SCAN);
	if (!kept)
		return host->invalid(call, "flow_id", "required");
	if (qr_code && strcmp(qr_code, kept) != 0)
		return PINTLE_DENIED;
	if (person_kept(self, call, &person) != PINTLE_OK)
		return PINTLE_EXPIRED;
	return person_prove(self, call, &person);
}

/* ---- Back from WeChat ---- */

/* The person said no, or WeChat does. A phone has no page to go back to. */
static int32_t refuse(const struct wechat *self, struct pintle_call *call)
{
	int32_t status;

	if (self->conf->mode != MODE_QR)
		return pintle_redirect_refuse(self->host, call);
	status = self->host->set_state(call, "failed");
	return status == PINTLE_OK ? page_tell(self, call, PAGE_DENIED) : status;
}

/* Who has claimed a code could send somebody else to WeChat for it, and confirm as that one. A fault is told
 * as one. */
static bool is_phones_own(const struct wechat *self, struct pintle_call *call, int32_t status)
{
	return status == PINTLE_OK ? phone_has_claimed(self, call) : status != PINTLE_EXPIRED;
}

/* Our ticket is taken before WeChat is asked: one code, one question. */
int32_t flow_callback(void *self_of_inst, struct pintle_call *call)
{
	const struct wechat *self = self_of_inst;
	const struct pintle_host *host = self->host;
	const char *ticket = host->field(call, "state"), *code = host->field(call, "code");
	struct person person;
	int32_t status;

	if (self->conf->mode == MODE_MINI)
		return PINTLE_NOT_FOUND;
	status = pintle_ticket_open(self->host, call, TICKET_RETURN, ticket);
	if (self->conf->mode == MODE_QR && !is_phones_own(self, call, status))
		return phone_resume(self, call);
	if (status != PINTLE_OK)
		return status;
	if (!code || !*code || strlen(code) > CODE_MAX)
		return refuse(self, call);
	status = upstream_exchange(self, call, code, &person);
	if (status == PINTLE_DENIED)
		return refuse(self, call);
	if (status == PINTLE_OK)
		status = person_keep(self, call, &person);
	if (status != PINTLE_OK)
		return status;
	return self->conf->mode == MODE_QR ? phone_go_to_code(self, call)
					   : pintle_redirect_land(self->host, call);
}

/* ---- The fixed paths ---- */

/* Where the opener goes when all is done, with its own state. */
static int32_t tell_return(const struct wechat *self, struct pintle_call *call)
{
	const struct pintle_host *host = self->host;
	const char *const pairs[] = { "state", pintle_kept(host, call, "client_state"), NULL };
	const char *base = pintle_kept(host, call, "return_to");
	const char *url =
		base ? pintle_url(host, call, base, strchr(base, '?') ? '&' : '?', pairs) : NULL;

	return url ? host->set(call, "redirect_url", url) : PINTLE_INTERNAL;
}

/* Whom the phone has confirmed. A browser that has landed is somebody the opener need not be: of that one
 * nothing is told. */
static int32_t tell_person(const struct wechat *self, struct pintle_call *call)
{
	const struct pintle_host *host = self->host;
	struct pintle_account account = { .size = sizeof(account) };
	struct pintle_identity identity = { .size = sizeof(identity),
					    .is_verified = 1,
					    .ns = self->openid_ns };
	struct person person;
	json_t *info;
	char *text;
	int32_t status;

	if (self->conf->mode != MODE_QR || person_kept(self, call, &person) != PINTLE_OK)
		return PINTLE_OK;
	identity.subject = person.openid;
	status = host->account_find(call, &identity, &account);
	if (status != PINTLE_OK && status != PINTLE_NOT_FOUND)
		return status;
	info = json_pack("{s:o, s:s, s:s}", "user_id",
			 status == PINTLE_OK ? json_integer(account.id) : json_null(), "nickname",
			 person.nickname, "avatar_url", person.avatar_url);
	text = info ? json_dumps(info, JSON_COMPACT) : NULL;
	status = text ? host->set_json(call, "user_info", text) : PINTLE_INTERNAL;
	free(text);
	json_decref(info);
	return status;
}

int32_t flow_status(void *self_of_inst, struct pintle_call *call)
{
	const struct wechat *self = self_of_inst;
	const struct pintle_host *host = self->host;
	const char *id = host->param(call, "session_id");
	int32_t status = host->flow_by_id(call, id ? id : host->param(call, "state"));

	if (status == PINTLE_EXPIRED)
		return host->set(call, "status", "expired");
	if (status == PINTLE_OK)
		status = host->set(call, "status", host->state(call));
	if (status != PINTLE_OK || strcmp(host->state(call), "confirmed") != 0)
		return status;
	status = tell_return(self, call);
	return status == PINTLE_OK ? tell_person(self, call) : status;
}

/* The opener may give up; that it is the right person says the phone alone. */
static int32_t answer_opener(const struct wechat *self, struct pintle_call *call, bool is_cancel)
{
	const struct pintle_host *host = self->host;
	int32_t status = PINTLE_OK;

	if (is_cancel)
		status = pintle_ticket_open(self->host, call, TICKET_OWN,
					    host->kept(call, TICKET_OWN));
	if (status == PINTLE_OK && is_cancel)
		status = host->set_state(call, "failed");
	return status == PINTLE_OK ? host->set(call, "status", host->state(call)) : status;
}

int32_t flow_confirm(void *self_of_inst, struct pintle_call *call)
{
	const struct wechat *self = self_of_inst;
	const struct pintle_host *host = self->host;
	const char *id = host->field(call, "session_id"), *action = host->field(call, "action");
	int32_t status;

	if (!id || !*id)
		return host->invalid(call, "session_id", "required");
	if (!action || (strcmp(action, "confirm") != 0 && strcmp(action, "cancel") != 0))
		return host->invalid(call, "action", action ? "not_allowed" : "required");
	status = host->flow_by_id(call, id);
	if (status == PINTLE_EXPIRED)
		return phone_answer(self, call, id);
	return status == PINTLE_OK ? answer_opener(self, call, strcmp(action, "cancel") == 0)
				   : status;
}

/* ---- The picture ---- */

static bool is_ticket(const char *text)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz0123456789";
	size_t len = text ? strlen(text) : 0;

	return len > 0 && len <= TICKET_MAX && strspn(text, letters) == len;
}

/* A picture says no more than the path it has, so the flow need not be asked for. */
static int32_t answer_picture(const struct wechat *self, struct pintle_call *call, const char *type,
			      void *(*draw)(const char *text, size_t *len_out))
{
	const struct pintle_host *host = self->host;
	const char *ticket = host->param(call, "ticket"), *url;
	size_t len = 0;
	void *picture;
	int32_t status;

	if (self->conf->mode != MODE_QR || !is_ticket(ticket))
		return PINTLE_NOT_FOUND;
	url = url_scan(self, call, ticket);
	picture = url ? draw(url, &len) : NULL;
	status = picture ? host->page(call, 200, type, picture, len) : PINTLE_INTERNAL;
	free(picture);
	return status;
}

int32_t flow_svg(void *self, struct pintle_call *call)
{
	return answer_picture(self, call, "image/svg+xml", qr_svg);
}

int32_t flow_png(void *self, struct pintle_call *call)
{
	return answer_picture(self, call, "image/png", qr_png);
}
