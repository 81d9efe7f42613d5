/* SPDX-License-Identifier: Apache-2.0 */
/* Kept as it was built with the headers beside it: a host of today must load and serve it. */
#include <pintle/helpers.h>
#include <pintle/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_LEN 8

enum { POLITE, SHORT };

struct conf {
	const char *group, *salt;
	const char *const *greetings;
	int64_t lasts_ms;
	int32_t style, is_loud;
};

struct greeting {
	const struct pintle_host *host;
	struct pintle_inst *inst;
	const struct conf *conf;
};

static const struct pintle_opt opts[] = {
	{ "group", PINTLE_STRING, PINTLE_OPT(struct conf, group), "sms", 1, 47, NULL,
	  "The group of senders that carries the words." },
	{ "salt", PINTLE_SECRET, PINTLE_OPT(struct conf, salt), NULL, 8, 64, NULL,
	  "What the words are mixed with." },
	{ "greetings", PINTLE_LIST, PINTLE_OPT(struct conf, greetings), "hello, welcome", 1, 8,
	  NULL, "How people are greeted; the first is used." },
	{ "lasts", PINTLE_DURATION, PINTLE_OPT(struct conf, lasts_ms), "1h", 1000, 86400000, NULL,
	  "How long a greeting is counted." },
	{ "style", PINTLE_CHOICE, PINTLE_OPT(struct conf, style), "polite", 0, 0, "polite short",
	  "How much is said." },
	{ "loud", PINTLE_FLAG, PINTLE_OPT(struct conf, is_loud), "no", 0, 0, NULL,
	  "Whether with an exclamation mark." },
};

static int32_t open_instance(const struct pintle_host *host, struct pintle_inst *inst,
			     const void *conf, void **self_out, char *err, size_t err_len)
{
	struct greeting *self = calloc(1, sizeof(*self));

	(void)err;
	(void)err_len;
	if (!self)
		return PINTLE_INTERNAL;
	*self = (struct greeting){ host, inst, conf };
	*self_out = self;
	return PINTLE_OK;
}

static const char *mark_of(const struct greeting *self, struct pintle_call *call, const char *phone,
			   const char *word)
{
	char text[160];

	(void)snprintf(text, sizeof(text), "%.64s %.40s %.40s", self->conf->salt, phone, word);
	return self->host->blind(call, "word", text);
}

static int32_t send_word(const struct greeting *self, struct pintle_call *call, const char *phone,
			 const char *word)
{
	const char *const vars[] = { "code", word, NULL };
	const struct pintle_message message = {
		.size = sizeof(message),
		.purpose = self->host->purpose(call),
		.to = phone,
		.template_name = pintle_purpose_word(self->host->purpose(call)),
		.vars = vars,
		.text = word,
		.lang = self->host->lang(call),
	};

	return self->host->send(call, self->conf->group, &message);
}

static int32_t begin(void *self_of_inst, struct pintle_call *call)
{
	const struct greeting *self = self_of_inst;
	const struct pintle_host *host = self->host;
	const char *given = host->field(call, "phone");
	const char *phone = host->canonical(call, "phone", given), *mark;
	char word[WORD_LEN + 1];
	int32_t status;

	if (!phone)
		return host->invalid(call, "phone", given ? "format" : "required");
	status = host->target(call, "phone", phone);
	if (status == PINTLE_OK)
		status = host->random_digits(word, WORD_LEN);
	if (status != PINTLE_OK)
		return status;
	mark = mark_of(self, call, phone, word);
	status = mark ? host->keep(call, "mark", mark) : PINTLE_INTERNAL;
	if (status == PINTLE_OK)
		status = host->keep(call, "phone", phone);
	if (status == PINTLE_OK)
		status = send_word(self, call, phone, word);
	host->wipe(word, sizeof(word));
	return status;
}

static int32_t count(const struct greeting *self, struct pintle_call *call, int64_t *count_out)
{
	const struct pintle_kv_request request = {
		.size = sizeof(request),
		.op = PINTLE_KV_INCR,
		.key = "greeted",
		.key_len = 7,
		.ttl_ms = self->conf->lasts_ms,
		.delta = 1,
	};
	struct pintle_kv_answer answer = { .size = sizeof(answer) };
	int32_t status = self->host->kv(call, &request, &answer);

	*count_out = answer.number;
	return status;
}

static int32_t verify(void *self_of_inst, struct pintle_call *call)
{
	const struct greeting *self = self_of_inst;
	const struct pintle_host *host = self->host;
	const char *phone = host->kept(call, "phone"), *kept = host->kept(call, "mark");
	const char *word = host->field(call, "code"), *mark;
	int64_t n_greeted;
	int32_t status;

	if (!word)
		return host->invalid(call, "code", "required");
	if (!phone || !kept)
		return PINTLE_EXPIRED;
	mark = mark_of(self, call, phone, word);
	if (!mark)
		return PINTLE_INTERNAL;
	if (strlen(word) != WORD_LEN || strlen(mark) != strlen(kept) ||
	    !host->same(mark, kept, strlen(kept)))
		return PINTLE_DENIED;
	status = count(self, call, &n_greeted);
	return status == PINTLE_OK ? host->subject(call, "phone:greeting", phone) : status;
}

/* ---- A route of its own, for whoever is signed in ---- */

static int32_t take_count(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	int64_t *out = ctx;

	if (n_cols != 1)
		return PINTLE_INTERNAL;
	*out = cols[0].num;
	return PINTLE_OK;
}

static int32_t greet(void *self_of_inst, struct pintle_call *call)
{
	const struct greeting *self = self_of_inst;
	const struct pintle_host *host = self->host;
	const char *name = host->param(call, "name");
	const struct pintle_value params[] = { PINTLE_P_INT(host->user(call)) };
	int64_t n_identities = 0;
	const struct pintle_query query = {
		.size = sizeof(query),
		.n_params = 1,
		.sql = "SELECT count(*) FROM user_identities WHERE user_id = ?",
		.params = params,
		.row = take_count,
		.ctx = &n_identities,
	};
	int32_t status = host->db_query(call, &query);
	size_t len = (name ? strlen(name) : 0) + strlen(self->conf->greetings[0]) + 4;
	char *text = status == PINTLE_OK ? host->alloc(call, len) : NULL;

	if (!text)
		return status == PINTLE_OK ? PINTLE_INTERNAL : status;
	(void)snprintf(text, len, "%s %s%s", self->conf->greetings[0], name ? name : "you",
		       self->conf->is_loud ? "!" : "");
	status = host->set(call, "greeting", text);
	if (status == PINTLE_OK && self->conf->style == POLITE)
		status = host->set_int(call, "identities", n_identities);
	return status;
}

static const struct pintle_input inputs[] = {
	{ "phone", "手机号", "Phone number", "tel", NULL, 0, 1 },
	{ "code", "口令", "Word", "text", "[0-9]{8}", 1, 1 },
};

static const char *const namespaces[] = { "phone:greeting", NULL };

static const struct pintle_provider provider = {
	.size = sizeof(provider),
	.label_zh = "问候",
	.label_en = "Greeting",
	.namespaces = namespaces,
	.denied = "invalid_code",
	.inputs = inputs,
	.n_inputs = sizeof(inputs) / sizeof(inputs[0]),
	.input_size = sizeof(inputs[0]),
	.begin = begin,
	.verify = verify,
	.bind = verify,
};

static const struct pintle_route routes[] = {
	{ "GET", "/api/v1/greeting/{name}", PINTLE_TO_OP, -1, "self", NULL, greet, "Be greeted" },
};

static const struct pintle_api api = {
	.size = sizeof(api),
	.route_size = sizeof(routes[0]),
	.routes = routes,
	.n_routes = sizeof(routes) / sizeof(routes[0]),
};

static const struct pintle_plugin plugin = {
	.size = sizeof(plugin),
	.abi = PINTLE_ABI,
	.name = "greeting",
	.version = "0.1.0",
	.summary = "Sign-in with a word sent to a phone, and a greeting after it",
	.opts = opts,
	.n_opts = sizeof(opts) / sizeof(opts[0]),
	.opt_size = sizeof(opts[0]),
	.conf_size = sizeof(struct conf),
	.open = open_instance,
	.close = free,
	.provider = &provider,
	.api = &api,
};

PINTLE_PLUGIN(plugin)
