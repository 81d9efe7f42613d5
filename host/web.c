/* SPDX-License-Identifier: Apache-2.0 */
#include "web.h"

#include "form.h"
#include "host.h"
#include "json.h"
#include "request.h"
#include "return_url.h"
#include "routes.h"

/* Scripts and styles of this server only, none inline; pictures may come from providers (avatars). */
static const char page_policy[] =
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https:; "
	"connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

static const struct web_file *find(struct slice name)
{
	for (size_t i = 0; i < web_n_files; i++)
		if (slice_is(name, web_files[i].name))
			return &web_files[i];
	return NULL;
}

/* Asked for again each time, and then mostly not sent again (RFC 9110 13.1.2). */
static void serve(struct request *request, struct slice name)
{
	const struct web_file *file = find(name);
	struct answer *answer = &request->answer;

	if (!file) {
		answer_error(request, "not_found");
		return;
	}
	answer_header(request, "Cache-Control", "no-cache");
	answer_header(request, "ETag", file->etag);
	if (slice_is(http_head_get(&request->http->head, "if-none-match"), file->etag)) {
		answer->status = 304;
		answer->is_empty = true;
		return;
	}
	answer->status = 200;
	answer->text = (struct slice){ file->bytes, file->len };
	answer->text_type = file->type;
	answer->is_lasting = true;
}

static void serve_page(struct request *request, const char *name)
{
	answer_header(request, "Content-Security-Policy", page_policy);
	answer_header(request, "Referrer-Policy", "no-referrer");
	serve(request, slice_of(name));
}

/* ?return_to= is looked at here, so that the page may follow it. */
static bool may_return(struct request *request)
{
	const struct server_settings *server = &request->host->settings->server;
	struct slice query = request->http->head.query;
	const char *text;

	if (query.len == 0)
		return true;
	request->fields = form_parse(query);
	if (!request->fields)
		return false;
	text = json_text_member(request->fields, "return_to");
	return !text || return_url_find(&request->arena, server->return_urls, server->public_url,
					text) != NULL;
}

void api_login_page(struct request *request)
{
	if (may_return(request))
		serve_page(request, "login.html");
	else
		answer_error(request, "bad_request");
}

void api_account_page(struct request *request)
{
	serve_page(request, "account.html");
}

void api_asset(struct request *request)
{
	const char *name = request_param(request, "name");

	/* A page is shown under its own path only, with its policy. */
	if (strstr(name, ".html"))
		answer_error(request, "not_found");
	else
		serve(request, slice_of(name));
}
