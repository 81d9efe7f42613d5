/* SPDX-License-Identifier: Apache-2.0 */
#include "page.h"

#include "accept.h"
#include "request.h"

#include <assert.h>
#include <stdio.h>
#include <strings.h>

/* No script runs on a page of a plugin: what an upstream or a stranger put into it stays text. */
#define HTML_POLICY                                                                                \
	"default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "         \
	"frame-ancestors 'none'; base-uri 'none'"
/* The Referer stays here; without any, older browsers would not say that our own forms are our own. */
#define HTML_REFERRER "same-origin"

const char page_html_type[] = "text/html; charset=utf-8";
const char page_html_headers[] = "Content-Security-Policy: " HTML_POLICY "\r\n"
				 "Referrer-Policy: " HTML_REFERRER "\r\n";

bool page_is_header_value(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text >= 0x7f)
			return false;
	return true;
}

static void guard_html(struct request *request)
{
	answer_header(request, "Content-Security-Policy", HTML_POLICY);
	answer_header(request, "Referrer-Policy", HTML_REFERRER);
}

static bool is_html(const char *type)
{
	return strncasecmp(type, "text/html", strlen("text/html")) == 0;
}

void page_answer(struct request *request, const struct page *page)
{
	struct answer *answer = &request->answer;

	answer->status = page->status;
	answer->error = NULL;
	if (page->location) {
		answer_header(request, "Location", page->location);
		answer_header(request, "Referrer-Policy", "no-referrer");
		answer->is_empty = true;
		return;
	}
	answer->text = page->body;
	answer->text_type = page->type;
	if (is_html(page->type))
		guard_html(request);
}

/* What no route knows may be a page that is not there now; the API has a place of its own. */
static bool is_for_browsers(const struct request *request)
{
	static const char api[] = "/api/";
	const struct slice *path = &request->http->head.path;

	if (request->route)
		return (request->route->flags & ROUTE_BROWSER) != 0;
	return path->len < strlen(api) || memcmp(path->ptr, api, strlen(api)) != 0;
}

bool page_is_preferred(const struct request *request)
{
	struct slice accept = http_head_get(&request->http->head, "accept");

	return is_for_browsers(request) &&
	       accept_q(accept, "text/html") > accept_q(accept, "application/json");
}

struct slice page_error_body(char body[PAGE_ERROR_MAX], const char *error, const char *lang,
			     const char *id)
{
	const char *message = answer_message(error, lang);
	bool is_zh = strcmp(lang, "zh") == 0;
	int len = snprintf(
		body, PAGE_ERROR_MAX,
		"<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		"<title>%s</title>\n<link rel=\"stylesheet\" href=\"/assets/page.css\">\n</head>\n"
		"<body>\n<main>\n<h1>%s</h1>\n<p><a href=\"/login\">%s</a></p>\n"
		"<p><small>%s %s</small></p>\n</main>\n</body>\n</html>\n",
		lang, message, message, is_zh ? "返回登录" : "Back to sign-in",
		is_zh ? "请求编号" : "Request", id);

	assert(len > 0 && len < PAGE_ERROR_MAX);
	return (struct slice){ body, (size_t)len };
}

void page_of_error(struct request *request)
{
	struct answer *answer = &request->answer;
	char *body = arena_alloc(&request->arena, PAGE_ERROR_MAX);

	answer->text = page_error_body(body, answer->error, request->lang, request->id);
	answer->text_type = page_html_type;
	guard_html(request);
}
