/* SPDX-License-Identifier: Apache-2.0 */
/* The services on upstreams, on secrets and on time. */
#include "clock.h"
#include "hash_scheme.h"
#include "report.h"
#include "rng.h"
#include "seal.h"
#include "secrets.h"
#include "side.h"
#include "utf8.h"
#include "world.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Upstreams ---- */

/* Of the first release. */
#define MESSAGE_LEAST offsetof(struct pintle_message, flags)

static bool may_go_out(struct pintle_call *call, const char *what, uint32_t size, size_t least)
{
	if (call->tx.open) {
		report_fail("X01", "%s: %s inside a transaction", call->op, what);
		return false;
	}
	if (size >= least)
		return true;
	report_fail("X02", "%s: what is given to %s has a size of %u, not %zu", call->op, what,
		    size, least);
	return false;
}

static void say_request(struct pintle_call *call, const struct pintle_request *request)
{
	char headers[4096] = "";
	char *body = strndup(request->body ? request->body : "", request->body_len);
	size_t len = 0;

	for (const char *const *at = request->headers; at && *at && len < sizeof(headers); at++)
		len += (size_t)snprintf(headers + len, sizeof(headers) - len, "%s\n", *at);
	call_say(call, "http.method",
		 request->method ? request->method : (request->body ? "POST" : "GET"));
	call_say(call, "http.url", request->url);
	call_say(call, "http.headers", headers);
	call_say(call, "http.body", body);
	free(body);
}

static int32_t answer_http(struct pintle_call *call, struct pintle_answer *out)
{
	struct world *world = call->world;
	struct twist *twist = world->twist;
	size_t n = world->n_answered++;
	const char *body;

	if (world->n_answers == 0)
		return PINTLE_UNAVAILABLE;
	if (n >= world->n_answers)
		n = world->n_answers - 1;
	body = world->answers[n].body;
	if (twist && twist->kind == TWIST_ANSWER && twist->at == (int64_t)world->n_answered) {
		body = twist->value;
		twist->has_come = true;
	}
	if (world->answers[n].status != PINTLE_OK)
		return world->answers[n].status;
	out->code = world->answers[n].code;
	out->body = lent_text(&call->lent, body);
	out->body_len = strlen(body);
	if (out->size >= offsetof(struct pintle_answer, max_age_ms) + sizeof(out->max_age_ms))
		out->max_age_ms = world->answers[n].max_age_ms;
	return PINTLE_OK;
}

static int32_t http(struct pintle_call *call, const struct pintle_request *request,
		    struct pintle_answer *out)
{
	int32_t status = service_enter(call, "http");

	if (!may_go_out(call, "http", request->size, sizeof(*request)) ||
	    !call_text_ok(call, "http", request->url))
		return service_leave(PINTLE_INTERNAL);
	if (status == PINTLE_OK) {
		say_request(call, request);
		status = answer_http(call, out);
	}
	return service_leave(status);
}

static void say_message(struct pintle_call *call, const char *group,
			const struct pintle_message *message)
{
	const char *const *vars = message->vars;

	call_say(call, "sent.group", group);
	call_say(call, "sent.to", message->to);
	if (message->template_name)
		call_say(call, "sent.template", message->template_name);
	if (message->text)
		call_say(call, "sent.text", message->text);
	if (message->flags & PINTLE_MESSAGE_NOTICE)
		call_say(call, "sent.notice", "yes");
	for (; vars && vars[0]; vars += 2) {
		char name[64];

		(void)snprintf(name, sizeof(name), "sent.%s", vars[0]);
		secrets_add(&call->world->secrets, "what was sent to a person", vars[1]);
		call_say(call, name, vars[1]);
	}
}

static int32_t receipt(struct pintle_call *call, const struct pintle_receipt *given)
{
	int32_t status = service_enter(call, "receipt");
	char text[256];

	if (given->size > sizeof(*given) || strcmp(call->op, "receipt") != 0 ||
	    !call_text_ok(call, "receipt", given->upstream_id))
		status = PINTLE_INTERNAL;
	if (status == PINTLE_OK) {
		(void)snprintf(text, sizeof(text), "%s %s",
			       given->is_delivered ? "delivered" : "lost",
			       given->reason ? given->reason : "-");
		call_say(call, given->upstream_id, text);
	}
	return service_leave(status);
}

static int32_t send_message(struct pintle_call *call, const char *group,
			    const struct pintle_message *message)
{
	int32_t status = service_enter(call, "send");
	struct pintle_message whole = { 0 };

	if (!may_go_out(call, "send", message->size, MESSAGE_LEAST) ||
	    !call_text_ok(call, "send", group) || !call_text_ok(call, "send", message->to))
		return service_leave(PINTLE_INTERNAL);
	/* What is sent later is a notice of what has been proved. */
	if (strcmp(call->op, "begin") == 0 && !call->has_target)
		report_fail("V02", "%s: it sends before it has named its target", call->op);
	/* As the host does: what a plugin of an older header does not know is zero. */
	memcpy(&whole, message, message->size < sizeof(whole) ? message->size : sizeof(whole));
	if (status == PINTLE_OK)
		say_message(call, group, &whole);
	return service_leave(status);
}

static int32_t charge(struct pintle_call *call, const char *to)
{
	int32_t status = service_enter(call, "charge");

	if (call->tx.open || strcmp(call->op, "begin") != 0 || !call_text_ok(call, "charge", to))
		return service_leave(PINTLE_INTERNAL);
	if (!call->has_target)
		report_fail("V02", "%s: it charges before it has named its target", call->op);
	if (status == PINTLE_OK)
		call_say(call, "charged", to);
	return service_leave(status);
}

/* ---- Secrets ---- */

static struct seal *vault(void)
{
	static const char *const secrets[] = { "c:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
					       NULL };
	static struct seal *seal;
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	struct err err;

	(void)pthread_mutex_lock(&mutex);
	if (!seal)
		seal = seal_new(secrets, NULL, &err);
	assert(seal);
	(void)pthread_mutex_unlock(&mutex);
	return seal;
}

static int32_t lend_and_fini(struct pintle_call *call, struct arena *arena, const char *text,
			     const char **out)
{
	*out = lent_text(&call->lent, text);
	arena_fini(arena);
	return text ? PINTLE_OK : PINTLE_INTERNAL;
}

static int32_t seal(struct pintle_call *call, const char *label, const char *plain,
		    const char **sealed_out)
{
	int32_t status = service_enter(call, "seal");
	struct arena arena = { 0 };

	if (!call_text_ok(call, "seal", label) || !call_text_ok(call, "seal", plain))
		status = PINTLE_INTERNAL;
	if (status == PINTLE_OK)
		status = lend_and_fini(call, &arena, seal_text(vault(), &arena, label, plain),
				       sealed_out);
	return service_leave(status);
}

static int32_t unseal(struct pintle_call *call, const char *label, const char *sealed,
		      const char **plain_out)
{
	int32_t status = service_enter(call, "open");
	struct arena arena = { 0 };

	if (!call_text_ok(call, "open", label) || !call_text_ok(call, "open", sealed))
		status = PINTLE_INTERNAL;
	if (status == PINTLE_OK)
		status = lend_and_fini(call, &arena, seal_open(vault(), &arena, label, sealed),
				       plain_out);
	return service_leave(status);
}

static const char *blind(struct pintle_call *call, const char *label, const char *text)
{
	char out[2 * SEAL_MAC_LEN + 1];
	const char *lent = NULL;
	int32_t status = service_enter(call, "blind");

	if (status == PINTLE_OK && call_text_ok(call, "blind", label) &&
	    call_text_ok(call, "blind", text)) {
		seal_blind(vault(), label, text, out);
		lent = lent_text(&call->lent, out);
	}
	(void)service_leave(status);
	return lent;
}

static int32_t hash(struct pintle_call *call, const char *setting, const char *secret,
		    const char **hash_out)
{
	struct hash_setting how;
	char out[HASHER_TEXT_MAX];
	int32_t status = service_enter(call, "hash");

	if (status != PINTLE_OK)
		return service_leave(status);
	if (!hash_setting_read(&how, setting) || !hash_fits(&how, secret))
		return service_leave(PINTLE_INVALID);
	if (!hash_make(&how, secret, out))
		return service_leave(PINTLE_INTERNAL);
	*hash_out = lent_text(&call->lent, out);
	return service_leave(PINTLE_OK);
}

static int32_t verify_hash(struct pintle_call *call, const char *setting, const char *secret,
			   const char *stored, int32_t *is_stale_out)
{
	int32_t status = service_enter(call, "verify_hash");
	struct hash_setting how;
	bool is_known;

	if (status != PINTLE_OK)
		return service_leave(status);
	if (!hash_setting_read(&how, setting) || !secret)
		return service_leave(PINTLE_INVALID);
	if (!stored || !hash_matches(secret, stored, &is_known))
		return service_leave(PINTLE_DENIED);
	if (is_stale_out)
		*is_stale_out = !hash_is_current(&how, stored);
	return service_leave(PINTLE_OK);
}

static int32_t random_bytes(void *out, size_t len)
{
	int32_t status = service_enter(service_call(), "random");

	if (status == PINTLE_OK && !rng_bytes(out, len))
		status = PINTLE_INTERNAL;
	return service_leave(status);
}

static int32_t random_digits(char *out, size_t n_digits)
{
	int32_t status = service_enter(service_call(), "random_digits");

	if (status == PINTLE_OK && !rng_digits(out, n_digits))
		status = PINTLE_INTERNAL;
	return service_leave(status);
}

static int32_t same(const void *a, const void *b, size_t len)
{
	return memcmp(a, b, len) == 0;
}

static void wipe(void *ptr, size_t len)
{
	explicit_bzero(ptr, len);
}

void services_fill_world(struct pintle_host *table)
{
	table->http = http;
	table->send = send_message;
	table->receipt = receipt;
	table->charge = charge;
	table->seal = seal;
	table->open = unseal;
	table->blind = blind;
	table->hash = hash;
	table->verify_hash = verify_hash;
	table->random = random_bytes;
	table->random_digits = random_digits;
	table->same = same;
	table->wipe = wipe;
	table->now_ms = clock_now_ms;
	table->mono_ms = clock_mono_ms;
}
