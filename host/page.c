/* SPDX-License-Identifier: Apache-2.0 */
#include "page.h"

#include "accept.h"
#include "request.h"

#include <strings.h>

/* No script runs on a page of a plugin: what an upstream or a stranger put into it stays text. */
static const char html_policy[] =
	"default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
	"frame-ancestors 'none'; base-uri 'none'";

static const char html_type[] = "text/html; charset=utf-8";

bool page_is_header_value(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text >= 0x7f)
			return false;
	return true;
}

/* The Referer stays here; without any, older browsers would not say that our own forms are our own. */
static void guard_html(struct request *request)
{
	answer_header(request, "Content-Security-Policy", html_policy);
	answer_header(request, "Referrer-Policy", "same-origin");
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

bool page_shows_error(const struct request *request)
{
	const struct route *route = request->route;
	struct slice accept = http_head_get(&request->http->head, "accept");

	return request->answer.error && route && route->flags & ROUTE_BROWSER &&
	       accept_q(accept, "text/html") > accept_q(accept, "application/json");
}

void page_of_error(struct request *request)
{
	struct answer *answer = &request->answer;
	const char *message = answer_message(answer->error, request->lang);
	bool is_zh = strcmp(request->lang, "zh") == 0;

	answer->text = slice_of(arena_printf(
		&request->arena,
		"<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		"<title>%s</title>\n<link rel=\"stylesheet\" href=\"/assets/page.css\">\n</head>\n"
		"<body>\n<main>\n<h1>%s</h1>\n<p><a href=\"/login\">%s</a></p>\n"
		"<p><small>%s %s</small></p>\n</main>\n</body>\n</html>\n",
		request->lang, message, message, is_zh ? "返回登录" : "Back to sign-in",
		is_zh ? "请求编号" : "Request", request->id));
	answer->text_type = html_type;
	guard_html(request);
}
