/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include "clock.h"
#include "utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX 4096 /* of a message, before it is escaped */
#define LINE_MAX_LEN 8192
#define REPLACEMENT 0xFFFD

static char log_who[32] = "pintled";
static enum log_level log_max = LOG_INFO;

struct line {
	char bytes[LINE_MAX_LEN];
	size_t len;
};

void log_init(const char *who, enum log_level level)
{
	(void)snprintf(log_who, sizeof(log_who), "%s", who);
	log_max = level;
}

/* What a terminal or a reader of lines could take for a command. */
static bool is_dangerous(int32_t code)
{
	return code < 0x20 || (code >= 0x7F && code < 0xA0) || (code >= 0x2028 && code <= 0x202E) ||
	       (code >= 0x2066 && code <= 0x2069);
}

/* All of piece, or false when it does not leave room for the end of the line. */
static bool put(struct line *line, const char *piece, size_t len)
{
	if (len > sizeof(line->bytes) - line->len - 8)
		return false;
	memcpy(line->bytes + line->len, piece, len);
	line->len += len;
	return true;
}

static void put_escaped(struct line *line, const char *text)
{
	const char *next = text;
	int32_t code;

	for (; (code = utf8_next(&next)) != 0; text = next) {
		char escape[8];
		bool ok;

		if (code == UTF8_BAD)
			code = REPLACEMENT;
		if (code == '"' || code == '\\') {
			ok = put(line, code == '"' ? "\\\"" : "\\\\", 2);
		} else if (code == REPLACEMENT || is_dangerous(code)) {
			(void)snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)code & 0xFFFF);
			ok = put(line, escape, 6);
		} else {
			ok = put(line, text, (size_t)(next - text));
		}
		if (!ok)
			return;
	}
}

static void write_once(const char *bytes, size_t len)
{
	ssize_t n;

	do
		n = write(STDERR_FILENO, bytes, len);
	while (n < 0 && errno == EINTR);
	/* A log that cannot be written has nobody to be told. */
}

void log_line(enum log_level level, const char *fmt, ...)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };
	char text[TEXT_MAX], now[CLOCK_TEXT_MAX], head[128];
	struct line line = { .len = 0 };
	va_list args;

	if (level > log_max)
		return;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	clock_text(clock_now_ms(), now);
	(void)snprintf(head, sizeof(head),
		       "{\"time\":\"%s\",\"level\":\"%s\",\"who\":\"%s\",\"text\":\"", now,
		       names[level], log_who);
	(void)put(&line, head, strlen(head));
	put_escaped(&line, text);
	memcpy(line.bytes + line.len, "\"}\n", 3);
	write_once(line.bytes, line.len + 3);
}
