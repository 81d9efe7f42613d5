/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of senders through a gateway have in common: one message to a gateway that answers as
 * told, and sections that are taken or refused. Nothing here knows a gateway.
 */
#ifndef SMS_GATEWAY_H
#define SMS_GATEWAY_H

#include "fake_call.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A sender under test; all is lent. */
struct sms_gateway {
	const char *plugin;                   /* build/plugins/<plugin>.so */
	const struct pintle_message *message; /* what is sent */
	const char *noted; /* stands in the call's data when the message was taken, and only then */
	const char *secret; /* in the options, and nowhere else; NULL: they have none */
};

/* With a template's name and two variables, code and minutes. */
extern const struct pintle_message sms_gateway_message;

/* Opens an instance in production with options ("key", "value", …, NULL), sends the message and closes
 * it. What was asked is in call->request then. */
int32_t sms_gateway_send(const struct sms_gateway *gateway, const char *const *options,
			 struct pintle_call *call);

/* What the world answers, and what that means for the message. */
struct sms_answer {
	int32_t http_status, code;
	const char *body;
	int32_t status;
};

/* Fails the test with the row. */
void sms_gateway_judges(const struct sms_gateway *gateway, const char *const *options,
			const struct sms_answer *rows, size_t n_rows);

struct sms_section {
	const char *options[9];
	bool is_production;
	const char *reason; /* part of why it is refused; NULL: it is not */
};

/* Fails the test with the row. */
void sms_gateway_opens(const struct sms_gateway *gateway, const struct sms_section *rows,
		       size_t n_rows);
/* The same with the options endpoint and templates, good and bad, behind three others that are right. */
void sms_gateway_opens_at(const struct sms_gateway *gateway, const char *const options[6]);

#endif
