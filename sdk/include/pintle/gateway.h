/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What senders that reach their gateway over HTTP would write again: small, inline, and no part of the
 * ABI. A plugin that asks for JSON answers with it links -ljansson.
 */
#ifndef PINTLE_GATEWAY_H
#define PINTLE_GATEWAY_H

#include "helpers.h"
#include "host.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PINTLE_WORD_MAX 96         /* of a gateway's error code, with its NUL */
#define PINTLE_UPSTREAM_ID_MAX 128 /* of what the message log keeps */

/* ---- Addresses: [any] ---- */

static inline int32_t pintle_is_loopback(const char *host_of_url)
{
	static const char *const hosts[] = { "127.0.0.1", "localhost", "[::1]" };
	size_t i, authority = strcspn(host_of_url, "/?#");

	if (memchr(host_of_url, '@', authority)) /* what stands before it is no host */
		return 0;
	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		size_t len = strlen(hosts[i]);

		if (strncmp(host_of_url, hosts[i], len) == 0 && strchr(":/?#", host_of_url[len]))
			return 1;
	}
	return 0;
}

/* Why codes must not be sent to url, to follow the option's name; NULL when they may be. */
static inline const char *pintle_url_fault(const struct pintle_host *host, struct pintle_inst *inst,
					   const char *url)
{
	int is_plain = strncmp(url, "http://", strlen("http://")) == 0;

	if (!is_plain && strncmp(url, "https://", strlen("https://")) != 0)
		return "must start with https://";
	if (is_plain && !pintle_is_loopback(url + strlen("http://")) && !host->is_development(inst))
		return "must be https: the codes would travel readable";
	return NULL;
}

/* What requests to endpoint have as Host. */
static inline const char *pintle_endpoint_host(const char *endpoint)
{
	return strstr(endpoint, "://") + strlen("://");
}

/* As pintle_url_fault, of an option that names scheme, host and port alone: signatures cover the host. */
static inline const char *pintle_endpoint_fault(const struct pintle_host *host,
						struct pintle_inst *inst, const char *endpoint)
{
	const char *fault = pintle_url_fault(host, inst, endpoint), *name;

	if (fault)
		return fault;
	name = pintle_endpoint_host(endpoint);
	return !*name || strpbrk(name, "/?#@ ") ? "must be https://host, without a path" : NULL;
}

/* ---- Writing requests: [any] ---- */

static inline void pintle_hex(const unsigned char *bytes, size_t len, char *out)
{
	size_t i;

	for (i = 0; i < len; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", (unsigned)bytes[i]);
}

/* Percent-encoding: all but the unreserved characters of RFC 3986. */
static inline void pintle_put_encoded(FILE *out, const char *text)
{
	static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "abcdefghijklmnopqrstuvwxyz0123456789-_.~";

	for (; *text; text++) {
		if (strchr(unreserved, *text))
			(void)fputc(*text, out);
		else
			(void)fprintf(out, "%%%02X", (unsigned)(unsigned char)*text);
	}
}

/* For what a sender wrote with a code in it. text may be NULL. */
static inline void pintle_wipe_free(const struct pintle_host *host, char *text)
{
	if (text)
		host->wipe(text, strlen(text));
	free(text);
}

/* ---- Templates: [any] ---- */

/* What stands behind name in an entry 'name: value'; NULL when it is another's. */
static inline const char *pintle_entry_value(const char *entry, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(entry, name, len) != 0 || entry[len] != ':')
		return NULL;
	entry += len + 1;
	return entry + strspn(entry, " ");
}

/* Why templates is no list of 'name: id', to follow the option's name; NULL when it is one. */
static inline const char *pintle_templates_fault(const char *const *templates)
{
	for (; *templates; templates++) {
		const char *colon = strchr(*templates, ':');

		if (!colon || colon == *templates || !colon[1 + strspn(colon + 1, " ")])
			return "must be a list of 'name: id', with a message's template or purpose "
			       "as name";
	}
	return NULL;
}

/* For open(): whether the options endpoint and templates (NULL: the plugin has none) are right; else
 * INVALID with the reason. */
static inline int32_t pintle_gateway_check(const struct pintle_host *host, struct pintle_inst *inst,
					   const char *endpoint, const char *const *templates,
					   char *err, size_t err_len)
{
	const char *option = "endpoint", *fault = pintle_endpoint_fault(host, inst, endpoint);

	if (!fault && templates) {
		option = "templates";
		fault = pintle_templates_fault(templates);
	}
	if (fault)
		(void)snprintf(err, err_len, "%s %s", option, fault);
	return fault ? PINTLE_INVALID : PINTLE_OK;
}

/* The gateway's id of a message's template: what templates has for its name or for its purpose; else
 * fallback; else the name, which is then the gateway's own. NULL: there is none. */
static inline const char *pintle_template_id(const char *const *templates, const char *fallback,
					     const struct pintle_message *message)
{
	const char *names[2] = { message->template_name, pintle_purpose_word(message->purpose) };
	size_t i, j;

	for (i = 0; i < 2; i++)
		for (j = 0; names[i] && templates[j]; j++) {
			const char *id = pintle_entry_value(templates[j], names[i]);

			if (id)
				return id;
		}
	if (*fallback)
		return fallback;
	return message->template_name && *message->template_name ? message->template_name : NULL;
}

/* ---- Asking ---- */

/* What a gateway's word means. A word that ends in '.' stands for all that begin with it. */
struct pintle_verdict {
	const char *word;
	int32_t status;
};

/* What an answer says: its word for what became of the message, "" when it has none; the gateway's id
 * of it, lent by the answer, or NULL. http_code is there before the answer is read. */
struct pintle_said {
	int32_t http_code;
	char word[PINTLE_WORD_MAX];
	const char *id;
};

struct pintle_gateway {
	const struct pintle_verdict *verdicts; /* the first that fits counts */
	size_t n_verdicts;
	void (*read)(const json_t *answer, struct pintle_said *said);
};

static inline void pintle_say(struct pintle_said *said, const char *word)
{
	(void)snprintf(said->word, sizeof(said->word), "%s", word ? word : "");
}

/*
 * A word that is not in the table is a fault: a gateway that gives reasons has not accepted. An answer
 * without a word is unclear when its status says that all is well, or that something behind the gateway
 * was slow.
 */
static inline int32_t pintle_gateway_judge(const struct pintle_gateway *gateway, int32_t http_code,
					   const char *word)
{
	int is_fine = http_code >= 200 && http_code < 300;
	size_t i;

	for (i = 0; i < gateway->n_verdicts; i++) {
		const struct pintle_verdict *verdict = &gateway->verdicts[i];
		size_t len = strlen(verdict->word);

		if (verdict->word[len - 1] == '.' ? strncmp(word, verdict->word, len) != 0
						  : strcmp(word, verdict->word) != 0)
			continue;
		/* "Done", it says, with an error: who knows. */
		return verdict->status == PINTLE_OK && !is_fine ? PINTLE_TIMEOUT : verdict->status;
	}
	if (http_code == 408 || http_code == 504 || (is_fine && !*word))
		return PINTLE_TIMEOUT;
	return PINTLE_UNAVAILABLE;
}

/* For the operator. A word with anything in it but letters, digits, '.', '_' and '-' is not shown: it is
 * the upstream's text, and might be the message. */
static inline void pintle_gateway_detail(const struct pintle_host *host, struct pintle_call *call,
					 int32_t http_code, const char *word)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789-_.";
	char text[64 + PINTLE_WORD_MAX];

	(void)snprintf(text, sizeof(text), "the gateway answered HTTP %d%s%s", (int)http_code,
		       *word ? ", " : "", word[strspn(word, plain)] ? "in other words" : word);
	host->detail(call, text);
}

/* [worker] Sends the request and judges the answer, which is the caller's to json_decref, whatever this
 * answers; NULL when there is none. */
static inline int32_t pintle_gateway_hear(const struct pintle_host *host, struct pintle_call *call,
					  const struct pintle_gateway *gateway,
					  const struct pintle_request *request,
					  struct pintle_said *said, json_t **json_out)
{
	struct pintle_answer answer;
	int32_t status;

	memset(&answer, 0, sizeof(answer));
	memset(said, 0, sizeof(*said));
	*json_out = NULL;
	answer.size = sizeof(answer);
	status = host->http(call, request, &answer);
	if (status != PINTLE_OK)
		return status;
	said->http_code = answer.code;
	*json_out = json_loadb(answer.body, answer.body_len, JSON_REJECT_DUPLICATES, NULL);
	if (*json_out)
		gateway->read(*json_out, said);
	status = pintle_gateway_judge(gateway, answer.code, said->word);
	if (status != PINTLE_OK)
		pintle_gateway_detail(host, call, answer.code, said->word);
	return status;
}

/* [worker] The same of a message, keeping the gateway's id of one it took. */
static inline int32_t pintle_gateway_ask(const struct pintle_host *host, struct pintle_call *call,
					 const struct pintle_gateway *gateway,
					 const struct pintle_request *request)
{
	struct pintle_said said;
	json_t *json;
	int32_t status = pintle_gateway_hear(host, call, gateway, request, &said, &json);

	if (status == PINTLE_OK && said.id && strlen(said.id) <= PINTLE_UPSTREAM_ID_MAX)
		(void)host->set(call, "upstream_id", said.id); /* for the log only */
	json_decref(json);
	return status;
}

/* ---- Delivery reports ---- */

/* What one entry of a report says; 0: nothing yet, or nothing it understands. */
typedef int pintle_read_receipt(const json_t *entry, struct pintle_receipt *receipt);

/* A code for the log: as in pintle_gateway_detail, other texts are not kept. */
static inline const char *pintle_receipt_reason(const char *word)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789-_.:";

	return word && *word && strlen(word) <= 64 && !word[strspn(word, plain)] ? word : NULL;
}

static inline int32_t pintle_receipts_tell(const struct pintle_host *host, struct pintle_call *call,
					   const json_t *list, pintle_read_receipt *read)
{
	int32_t status = PINTLE_OK;
	size_t i;

	for (i = 0; i < json_array_size(list) && !PINTLE_IS_FAULT(status); i++) {
		struct pintle_receipt receipt;

		memset(&receipt, 0, sizeof(receipt));
		receipt.size = sizeof(receipt);
		if (read(json_array_get(list, i), &receipt))
			status = host->receipt(call, &receipt);
	}
	return PINTLE_IS_FAULT(status) ? status : PINTLE_OK; /* what is unknown stays so */
}

/* [worker] For receipt(): a body that is a JSON array of entries, and the JSON the gateway wants back. */
static inline int32_t pintle_receipts_json(const struct pintle_host *host, struct pintle_call *call,
					   pintle_read_receipt *read, const char *reply)
{
	size_t len = 0;
	const void *body = host->body(call, &len);
	json_t *list =
		body ? json_loadb((const char *)body, len, JSON_REJECT_DUPLICATES, NULL) : NULL;
	int32_t status;

	if (!json_is_array(list)) {
		json_decref(list);
		return host->invalid(call, "body", "format");
	}
	status = pintle_receipts_tell(host, call, list, read);
	json_decref(list);
	if (status != PINTLE_OK)
		return status;
	return host->page(call, 200, "application/json", reply, strlen(reply));
}

#ifdef __cplusplus
}
#endif
#endif
