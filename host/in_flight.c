/* SPDX-License-Identifier: Apache-2.0 */
#include "in_flight.h"

#include "call.h"
#include "clock.h"
#include "host.h"
#include "request.h"
#include "text.h"
#include "xalloc.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static void link_request(struct dispatch *dispatch, struct request *request)
{
	request->older = dispatch->newest;
	if (request->older)
		request->older->newer = request;
	dispatch->newest = request;
	dispatch->n_running++;
}

static void unlink_request(struct dispatch *dispatch, struct request *request)
{
	if (request->newer)
		request->newer->older = request->older;
	else
		dispatch->newest = request->older;
	if (request->older)
		request->older->newer = request->newer;
	dispatch->n_running--;
}

static bool id_is_plain(struct slice id)
{
	if (id.len < 8 || id.len > 64)
		return false;
	for (size_t i = 0; i < id.len; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_",
			    id.ptr[i]))
			return false;
	return true;
}

void in_flight_make_id(struct dispatch *dispatch, char *out, size_t size)
{
	struct text id = { .bytes = out, .size = size - 1 };

	text_put(&id, dispatch->boot);
	text_put_hex(&id, ++dispatch->n_begun, 10);
	assert(text_fits(&id));
	out[id.len] = '\0';
}

/* A trusted proxy's id is kept, so that its log and ours can be read together. */
static void name_request(struct request *request)
{
	struct host *host = request->host;
	struct slice given = http_head_get(&request->http->head, "x-request-id");

	if (given.ptr && id_is_plain(given) &&
	    network_list_has(&host->trusted, &request->http->peer))
		(void)snprintf(request->id, sizeof(request->id), "%.*s", (int)given.len, given.ptr);
	else
		in_flight_make_id(&host->dispatch, request->id, sizeof(request->id));
}

static struct slice bearer_of(const struct http_request *http)
{
	struct slice value = http_head_get(&http->head, "authorization");

	if (value.len < 8 || strncasecmp(value.ptr, "bearer ", 7) != 0)
		return (struct slice){ NULL, 0 };
	return (struct slice){ value.ptr + 7, value.len - 7 };
}

/* A proxy may add a line of its own: all of them are one list. */
static void find_client(struct request *request)
{
	const struct http_request *http = request->http;
	const struct network_list *trusted = &request->host->trusted;
	struct slice hops = { NULL, 0 };

	if (http_head_count(&http->head, "x-forwarded-for") > 0 &&
	    network_list_has(trusted, &http->peer)) {
		size_t max = (size_t)request->host->settings->server.max_head;
		char *all = arena_alloc(&request->arena, max);

		if (http_head_join(&http->head, "x-forwarded-for", all, max, &hops.len))
			hops.ptr = all;
	}
	address_of_client(&request->client, &http->peer, hops, trusted);
}

struct request *in_flight_new(struct host *host, struct http_request *http)
{
	struct request *request = xcalloc(1, sizeof(*request));

	request->n_holders = 1;
	request->host = host;
	request->http = http;
	request->start_us = http->start_us;
	request->deadline_ms = clock_mono_ms() + host->settings->pool.call_timeout_ms;
	request->is_control = http->listener_tag != NULL;
	name_request(request);
	find_client(request);
	address_text(&request->client, request->client_text);
	request->lang = request_lang(request);
	request->bearer = bearer_of(http);
	link_request(&host->dispatch, request);
	return request;
}

static void free_on_loop(void *arg)
{
	struct request *request = arg;

	http_request_free(request->http);
	json_decref(request->fields);
	answer_fini(&request->answer);
	arena_fini(&request->arena);
	free(request);
}

void in_flight_end(struct request *request)
{
	unlink_request(&request->host->dispatch, request);
	call_free(request->call);
	in_flight_give_back(request);
}

struct request *in_flight_lend(struct request *request)
{
	atomic_fetch_add(&request->n_holders, 1);
	return request;
}

/* The last one may be a plugin's own thread. */
void in_flight_give_back(struct request *request)
{
	if (atomic_fetch_sub(&request->n_holders, 1) > 1)
		return;
	if (loop_is_here(request->host->loop))
		free_on_loop(request);
	else
		loop_post(request->host->loop, free_on_loop, request);
}
