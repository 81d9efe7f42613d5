/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugin all others here are made from: a code goes to a phone number and comes back. Each numbered
 * file replaces one part and breaks one rule with it; with FIXED it breaks none. After its own part a
 * file includes end.h.
 */
#ifndef BASE_H
#define BASE_H

#include <pintle/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct conf {
	const char *group, *word;
	int64_t number;
};

struct base {
	const struct pintle_host *host;
	struct pintle_inst *inst;
	const struct conf *conf;
	void *more; /* for the file's own use */
};

#define BASE_OPTS                                                                                  \
	{ "group", PINTLE_STRING, PINTLE_OPT(struct conf, group), "sms", 1,                        \
	  47,      NULL,          "The group of senders." },                                       \
		{ "word", PINTLE_SECRET, PINTLE_OPT(struct conf, word), NULL, 8, 200,              \
		  NULL,   "A secret." },                                                           \
	{                                                                                          \
		"number", PINTLE_INT, PINTLE_OPT(struct conf, number), "5", 1, 9, NULL,            \
			"A number."                                                                \
	}

#define MAYBE __attribute__((unused)) static

MAYBE int32_t base_open(const struct pintle_host *host, struct pintle_inst *inst, const void *conf,
			void **self_out, char *err, size_t err_len)
{
	struct base *self = calloc(1, sizeof(*self));

	(void)err;
	(void)err_len;
	if (!self)
		return PINTLE_INTERNAL;
	self->host = host;
	self->inst = inst;
	self->conf = conf;
	*self_out = self;
	return PINTLE_OK;
}

/* The number as it is kept, and the target named; else *status_out says why not. */
MAYBE const char *base_phone(const struct base *self, struct pintle_call *call, int32_t *status_out)
{
	const char *given = self->host->field(call, "phone");
	const char *phone = self->host->canonical(call, "phone", given);

	*status_out = phone ? self->host->target(call, "phone", phone)
			    : self->host->invalid(call, "phone", given ? "format" : "required");
	return *status_out == PINTLE_OK ? phone : NULL;
}

MAYBE int32_t base_send(const struct base *self, struct pintle_call *call, const char *phone,
			const char *code)
{
	const char *const vars[] = { "code", code, NULL };
	const struct pintle_message message = {
		.size = sizeof(message),
		.purpose = self->host->purpose(call),
		.to = phone,
		.template_name = "code",
		.vars = vars,
		.text = code,
		.lang = "en",
	};

	return self->host->send(call, self->conf->group, &message);
}

MAYBE int32_t base_keep(const struct base *self, struct pintle_call *call, const char *phone,
			const char *code)
{
	const char *mark = self->host->blind(call, phone, code);
	int32_t status = mark ? self->host->keep(call, "mark", mark) : PINTLE_INTERNAL;

	return status == PINTLE_OK ? self->host->keep(call, "phone", phone) : status;
}

MAYBE int32_t base_begin(void *self_of_inst, struct pintle_call *call)
{
	const struct base *self = self_of_inst;
	int32_t status;
	const char *phone = base_phone(self, call, &status);
	char code[7];

	if (phone)
		status = self->host->random_digits(code, 6);
	if (status == PINTLE_OK)
		status = base_keep(self, call, phone, code);
	return status == PINTLE_OK ? base_send(self, call, phone, code) : status;
}

/* OK when the code is the right one; the number in phone_out. */
MAYBE int32_t base_compare(const struct base *self, struct pintle_call *call,
			   const char **phone_out)
{
	const struct pintle_host *host = self->host;
	const char *code = host->field(call, "code"), *kept = host->kept(call, "mark"), *mark;

	*phone_out = host->kept(call, "phone");
	if (!code)
		return host->invalid(call, "code", "required");
	if (!kept || !*phone_out)
		return PINTLE_EXPIRED;
	mark = host->blind(call, *phone_out, code);
	if (!mark)
		return PINTLE_INTERNAL;
	return host->same(mark, kept, strlen(kept)) ? PINTLE_OK : PINTLE_DENIED;
}

MAYBE int32_t base_verify(void *self_of_inst, struct pintle_call *call)
{
	const struct base *self = self_of_inst;
	const char *phone;
	int32_t status = base_compare(self, call, &phone);

	return status == PINTLE_OK ? self->host->subject(call, "phone", phone) : status;
}

#endif
