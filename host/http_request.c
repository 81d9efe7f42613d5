/* SPDX-License-Identifier: Apache-2.0 */
/* Request objects: one allocation with room for what is usual, kept on a list between requests. */
#include "http_conn.h"

#include "xalloc.h"

#include <stdlib.h>

#define MAX_SPARES 128 /* about 1 MiB */

struct exchange *exchange_new(struct http_server *server, size_t head_len)
{
	struct exchange *exchange = SLIST_FIRST(&server->spares);

	if (exchange) {
		SLIST_REMOVE_HEAD(&server->spares, spare);
		server->n_spares--;
	} else {
		exchange = xcalloc(1, sizeof(*exchange));
	}
	server->n_exchanges++;
	exchange->server = server;
	exchange->head_len = head_len;
	exchange->head = exchange->inline_head;
	if (head_len > INLINE_HEAD)
		exchange->head = xcalloc(1, head_len);
	exchange->body = exchange->inline_body;
	exchange->body_len = 0;
	exchange->body_size = INLINE_BODY;
	return exchange;
}

/* The head is left as it is: its slices are set anew by each parse, and 3 KiB are not wiped in vain. */
static void reset(struct http_request *request)
{
	request->body = (struct slice){ 0 };
	request->is_gone = false;
	request->on_gone = NULL;
	request->ctx = NULL;
	request->conn = NULL;
}

void exchange_free(struct exchange *exchange)
{
	struct http_server *server;

	if (!exchange)
		return;
	server = exchange->server;
	explicit_bzero(exchange->head, exchange->head_len);
	explicit_bzero(exchange->body, exchange->body_len);
	if (exchange->head != exchange->inline_head)
		free(exchange->head);
	if (exchange->body != exchange->inline_body)
		free(exchange->body);
	server->n_exchanges--;
	if (server->n_spares < MAX_SPARES && !server->is_freed) {
		reset(&exchange->request);
		SLIST_INSERT_HEAD(&server->spares, exchange, spare);
		server->n_spares++;
	} else {
		free(exchange);
	}
	server_release(server);
}

void exchange_tell_gone(struct exchange *exchange)
{
	struct http_request *request = &exchange->request;

	if (request->is_gone)
		return;
	request->is_gone = true;
	if (request->on_gone)
		request->on_gone(request->ctx);
}

char *exchange_room(struct exchange *exchange, size_t len)
{
	size_t need = exchange->body_len + len, size = exchange->body_size;
	char *grown;

	if (need <= size)
		return exchange->body + exchange->body_len;
	while (size < need)
		size *= 2;
	grown = xcalloc(1, size);
	memcpy(grown, exchange->body, exchange->body_len);
	explicit_bzero(exchange->body, exchange->body_len);
	if (exchange->body != exchange->inline_body)
		free(exchange->body);
	exchange->body = grown;
	exchange->body_size = size;
	return grown + exchange->body_len;
}

void exchanges_fini(struct http_server *server)
{
	struct exchange *exchange;

	while ((exchange = SLIST_FIRST(&server->spares))) {
		SLIST_REMOVE_HEAD(&server->spares, spare);
		free(exchange);
	}
	server->n_spares = 0;
}

void http_request_free(struct http_request *request)
{
	if (!request)
		return;
	if (request->conn) {
		struct http_conn *conn = request->conn;

		request->conn = NULL;
		conn->exchange = NULL;
		conn_close(conn);
	}
	exchange_free((struct exchange *)request);
}
