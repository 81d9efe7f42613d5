/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies go as base64: whatever is in them, no line is too long, has eight bits or starts with a dot. */
#include "mime.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ADDRESS_MAX 254 /* RFC 5321 4.5.3.1.3, less its brackets */
#define PLAIN_MAX 60    /* bytes of a header's text on one line with its name */
#define WORD_BYTES 39   /* "Subject: " and a word of so many bytes fill a line of 76 */
#define LINE_BYTES 57   /* of a body; 76 characters */

/* ---- What may stand where ---- */

int mime_is_address(const char *text)
{
	const char *at = strchr(text, '@');

	if (!at || at == text || at[1] == '\0' || strchr(at + 1, '@') ||
	    strlen(text) > ADDRESS_MAX || text[0] == '-')
		return 0;
	for (; *text; text++)
		if (*text <= 0x20 || *text >= 0x7f || strchr("<>()[]\",:;\\", *text))
			return 0;
	return 1;
}

/* C1 controls too: U+0080 to U+009F. */
int mime_is_header_text(const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at; at++)
		if (*at < 0x20 || *at == 0x7f || (at[0] == 0xc2 && at[1] < 0xa0))
			return 0;
	return 1;
}

const char *mime_domain(const char *address)
{
	return strrchr(address, '@') + 1;
}

/* ---- Headers ---- */

static int is_plain(const char *text)
{
	if (strlen(text) > PLAIN_MAX || strstr(text, "=?"))
		return 0;
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e)
			return 0;
	return 1;
}

/* How much of text one word takes: whole characters. */
static size_t word_len(const char *text)
{
	size_t len = strnlen(text, WORD_BYTES), whole = len;

	while (whole > 0 && (text[whole] & 0xc0) == 0x80)
		whole--;
	return whole > 0 ? whole : len; /* that was no UTF-8 */
}

/* Encoded words, a line each. */
static void put_words(FILE *out, const char *text)
{
	unsigned char base64[4 * WORD_BYTES / 3 + 1];
	const char *before = "";

	while (*text) {
		size_t len = word_len(text);

		(void)EVP_EncodeBlock(base64, (const unsigned char *)text, (int)len);
		(void)fprintf(out, "%s=?UTF-8?B?%s?=", before, (const char *)base64);
		before = "\r\n ";
		text += len;
	}
}

static void put_quoted(FILE *out, const char *text)
{
	(void)fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			(void)fputc('\\', out);
		(void)fputc(*text, out);
	}
	(void)fputc('"', out);
}

static void put_from(FILE *out, const struct mime *mime)
{
	(void)fputs("From: ", out);
	if (*mime->from_name) {
		if (is_plain(mime->from_name))
			put_quoted(out, mime->from_name);
		else
			put_words(out, mime->from_name);
		(void)fputs("\r\n ", out);
	}
	(void)fprintf(out, "<%s>\r\n", mime->from);
}

static void put_subject(FILE *out, const char *subject)
{
	(void)fputs("Subject: ", out);
	if (is_plain(subject))
		(void)fputs(subject, out);
	else
		put_words(out, subject);
	(void)fputs("\r\n", out);
}

static void put_date(FILE *out, int64_t at_ms)
{
	time_t seconds = (time_t)(at_ms / 1000);
	char text[48] = "";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		(void)strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S +0000", &tm);
	(void)fprintf(out, "Date: %s\r\n", text);
}

/* Nobody's holiday answer shall come back to us: RFC 3834, and what Exchange understands. */
static void put_head(FILE *out, const struct mime *mime)
{
	put_date(out, mime->at_ms);
	put_from(out, mime);
	(void)fprintf(out, "To: <%s>\r\n", mime->to);
	put_subject(out, mime->subject);
	(void)fprintf(out, "Message-ID: <%s@%s>\r\n", mime->id, mime_domain(mime->from));
	(void)fputs("Auto-Submitted: auto-generated\r\n"
		    "X-Auto-Response-Suppress: All\r\n"
		    "MIME-Version: 1.0\r\n",
		    out);
}

/* ---- Bodies ---- */

/* A stream of bytes in lines of base64. */
struct encoder {
	FILE *out;
	unsigned char line[LINE_BYTES];
	size_t len;
};

static void flush_line(struct encoder *encoder)
{
	unsigned char base64[4 * LINE_BYTES / 3 + 1];

	if (encoder->len == 0)
		return;
	(void)EVP_EncodeBlock(base64, encoder->line, (int)encoder->len);
	(void)fprintf(encoder->out, "%s\r\n", (const char *)base64);
	encoder->len = 0;
}

static void encode_byte(struct encoder *encoder, char byte)
{
	encoder->line[encoder->len++] = (unsigned char)byte;
	if (encoder->len == sizeof(encoder->line))
		flush_line(encoder);
}

/* Before it is encoded, text has CRLF line ends: RFC 2045 6.8. */
static void put_part(FILE *out, const char *subtype, const char *text)
{
	struct encoder encoder = { .out = out };

	(void)fprintf(out,
		      "Content-Type: text/%s; charset=utf-8\r\n"
		      "Content-Transfer-Encoding: base64\r\n\r\n",
		      subtype);
	for (size_t i = 0; text[i]; i++) {
		if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
			encode_byte(&encoder, '\r');
		encode_byte(&encoder, text[i]);
	}
	flush_line(&encoder);
	OPENSSL_cleanse(encoder.line, sizeof(encoder.line));
}

/* No line of base64 starts with the hyphens of the boundary. The last part is the best one. */
static void put_alternatives(FILE *out, const struct mime *mime)
{
	(void)fprintf(out, "Content-Type: multipart/alternative;\r\n boundary=\"=_%s\"\r\n\r\n",
		      mime->id);
	(void)fprintf(out, "--=_%s\r\n", mime->id);
	put_part(out, "plain", mime->text);
	(void)fprintf(out, "--=_%s\r\n", mime->id);
	put_part(out, "html", mime->html);
	(void)fprintf(out, "--=_%s--\r\n", mime->id);
}

char *mime_write(const struct mime *mime, size_t *len_out)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len_out);

	if (!out)
		return NULL;
	put_head(out, mime);
	if (mime->html)
		put_alternatives(out, mime);
	else
		put_part(out, "plain", mime->text);
	if (fclose(out) == 0) /* the one place where the stream tells of an error */
		return text;
	free(text);
	return NULL;
}
