/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void base_log(const struct base *base, int32_t level, const char *fmt, ...)
{
	char text[SPOT_MAX + REASON_MAX + 128];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	base->host->log(base->inst, level, text);
}

void base_reason(char *out, size_t out_len, const redisReply *reply)
{
	char *args;

	if (!reply || reply->type != REDIS_REPLY_ERROR) {
		(void)snprintf(out, out_len, "an answer that makes no sense");
		return;
	}
	(void)snprintf(out, out_len, "%s", reply->str);
	args = strstr(out,
		      ", with args"); /* of an unknown command: keys and passwords among them */
	if (args)
		*args = '\0';
}

static bool read_port(const char *text, int *out)
{
	char *end;
	long port = strtol(text, &end, 10);

	*out = (int)port;
	return end != text && *end == '\0' && port > 0 && port < 65536;
}

bool spot_read(const char *text, int default_port, struct spot *out)
{
	bool is_bracketed = *text == '[';
	const char *begin = text + is_bracketed, *end;
	size_t len = strcspn(begin, is_bracketed ? "]" : ":");

	if (*text == '/')
		len = strlen(text);
	if (len == 0 || len >= sizeof(out->address) || (is_bracketed && begin[len] != ']'))
		return false;
	end = begin + len + is_bracketed;
	(void)snprintf(out->address, sizeof(out->address), "%.*s", (int)len, begin);
	out->port = *text == '/' ? 0 : default_port;
	return *end == '\0' || (*end == ':' && read_port(end + 1, &out->port));
}

bool spot_is_path(const struct spot *spot)
{
	return spot->address[0] == '/';
}

bool spot_equals(const struct spot *a, const struct spot *b)
{
	return a->port == b->port && strcmp(a->address, b->address) == 0;
}

const char *spot_text(const struct spot *spot, char out[SPOT_MAX + 16])
{
	bool is_v6 = strchr(spot->address, ':') != NULL;

	if (spot_is_path(spot))
		return spot->address;
	(void)snprintf(out, SPOT_MAX + 16, "%s%s%s:%d", is_v6 ? "[" : "", spot->address,
		       is_v6 ? "]" : "", spot->port);
	return out;
}
