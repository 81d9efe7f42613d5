/* SPDX-License-Identifier: Apache-2.0 */
#include "page.h"

#include "accept.h"
#include "request.h"
#include "routes.h"

#include <strings.h>

/* No script runs on a page of a plugin: what an upstream or a stranger put into it stays text. */
static const char html_policy[] =
	"default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
	"frame-ancestors 'none'; base-uri 'none'";

static const char html_type[] = "text/html; charset=utf-8";

/* For pages that are one short column: an error, a question with a button. */
static const char style[] =
	":root{color-scheme:light dark}"
	"body{margin:0;font:1rem/1.6 system-ui,sans-serif;color:#1c2330;background:#f3f5f8}"
	"main{max-width:26rem;margin:12vh auto "
	"0;padding:1.5rem;background:#fff;border-radius:.75rem;"
	"box-shadow:0 1px 4px #0002}"
	"h1{margin:0 0 1rem;font-size:1.3rem;line-height:1.35}"
	"p{margin:0 0 1rem;overflow-wrap:anywhere}"
	"small{color:#5b6472}"
	"a{color:#0b5cad}"
	"dl{display:grid;grid-template-columns:auto 1fr;gap:.25rem 1rem;margin:0 0 1rem}"
	"dt{color:#5b6472}dd{margin:0;overflow-wrap:anywhere}"
	"form{margin:0}"
	"button{font:inherit;width:100%;min-height:3rem;margin:0 0 .75rem;border:1px solid #0b5cad;"
	"border-radius:.5rem;color:#fff;background:#0b5cad;cursor:pointer}"
	"button.quiet{color:#0b5cad;background:none}"
	"button:focus-visible,a:focus-visible{outline:3px solid #f0a500;outline-offset:2px}"
	"img{max-width:100%;height:auto}"
	"@media(max-width:30rem){main{margin:0;min-height:100vh;box-sizing:border-box;"
	"border-radius:0}}"
	"@media(prefers-color-scheme:dark){body{color:#e6e9ee;background:#12161d}"
	"main{background:#1b212b}small,dt{color:#a3adbb}a,button.quiet{color:#7db7f2}}";

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

void api_page_style(struct request *request)
{
	request->answer.status = 200;
	request->answer.text = slice_of(style);
	request->answer.text_type = "text/css; charset=utf-8";
	request->answer.is_lasting = true;
	answer_header(request, "Cache-Control", "public, max-age=3600");
}
