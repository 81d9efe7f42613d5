/* SPDX-License-Identifier: Apache-2.0 */
#include "page.h"

#include "request.h"

#include <strings.h>

/* No script runs on a page of a plugin: what an upstream or a stranger put into it stays text. */
static const char html_policy[] =
	"default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
	"frame-ancestors 'none'; base-uri 'none'";

bool page_is_header_value(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text >= 0x7f)
			return false;
	return true;
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
	answer_header(request, "Referrer-Policy", "no-referrer");
	if (page->location) {
		answer_header(request, "Location", page->location);
		answer->is_empty = true;
		return;
	}
	answer->text = page->body;
	answer->text_type = page->type;
	if (is_html(page->type))
		answer_header(request, "Content-Security-Policy", html_policy);
}
