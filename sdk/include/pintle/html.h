/* SPDX-License-Identifier: Apache-2.0 */
/* For plugins that show pages of their own with page(). Inline, and no part of the ABI. [any] */
#ifndef PINTLE_HTML_H
#define PINTLE_HTML_H

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes text as part of an HTML page, also between the quotes of an attribute. Errors are out's. */
static inline void pintle_put_html(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			(void)fputs("&amp;", out);
			break;
		case '<':
			(void)fputs("&lt;", out);
			break;
		case '>':
			(void)fputs("&gt;", out);
			break;
		case '"':
			(void)fputs("&quot;", out);
			break;
		case '\'':
			(void)fputs("&#39;", out);
			break;
		default:
			(void)fputc(*text, out);
		}
	}
}

/* A page for people, up to where its own content starts, and its end. lang: "zh" or "en"; title is HTML. */
static inline void pintle_page_begin(FILE *out, const char *lang, const char *title)
{
	(void)fprintf(
		out,
		"<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width\">\n<title>%s</title>\n"
		"<link rel=\"stylesheet\" href=\"/assets/page.css\">\n</head>\n<body>\n<main>\n"
		"<h1>%s</h1>\n",
		lang, title, title);
}

static inline void pintle_page_end(FILE *out)
{
	(void)fputs("</main>\n</body>\n</html>\n", out);
}

#ifdef __cplusplus
}
#endif
#endif
