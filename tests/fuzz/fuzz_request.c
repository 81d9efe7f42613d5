/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole request as the edge and the first steps of its way read it: head, client address behind
 * proxies, body plain or in chunks, and the fields of its query, form or JSON.
 */
#include "address.h"
#include "form.h"
#include "http_chunk.h"
#include "http_head.h"
#include "json.h"
#include "xalloc.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len);

static void read_client(const struct http_head *head)
{
	static const char *const texts[] = { "10.0.0.0/8", "2001:db8::/32", NULL };
	const struct address peer = { .bytes = { [10] = 0xff, [11] = 0xff, [12] = 10 } };
	char hops[1024], text[ADDRESS_TEXT_MAX];
	struct address client, again;
	struct network_list trusted;
	struct err err;
	size_t hops_len;

	assert(network_list_init(&trusted, texts, &err));
	if (http_head_join(head, "x-forwarded-for", hops, sizeof(hops), &hops_len)) {
		address_of_client(&client, &peer, (struct slice){ hops, hops_len }, &trusted);
		address_text(&client, text);
		assert(address_parse(&again, slice_of(text)));
		assert(memcmp(&client, &again, sizeof(client)) == 0);
	}
	network_list_fini(&trusted);
}

/* The body in out, which has room for len bytes; false when it is not whole. */
static bool read_body(const struct http_head *head, const char *rest, size_t len, char *out,
		      size_t *len_out)
{
	struct http_chunk chunk = { 0 };

	*len_out = 0;
	if (head->is_chunked)
		return http_chunk_feed(&chunk, rest, &len, out, len_out) == HTTP_CHUNK_END;
	if (head->content_length > (int64_t)len)
		return false;
	*len_out = (size_t)head->content_length;
	memcpy(out, rest, *len_out);
	return true;
}

static void read_fields(const struct http_head *head, struct slice body)
{
	json_t *query = form_parse(head->query), *form = form_parse(body), *json;
	const char *why = NULL;

	json = json_parse(body.ptr, body.len, &why);
	assert(json || why);
	assert(!query || json_is_object(query));
	assert(!form || json_is_object(form));
	json_decref(query);
	json_decref(form);
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
	ssize_t head_len = http_head_length((const char *)input, len, 0);
	char *bytes, *body;
	struct http_head head;
	size_t body_len;

	if (head_len <= 0)
		return 0;
	bytes = xcalloc(2, len);
	body = bytes + len;
	memcpy(bytes, input, len);
	if (http_head_parse(&head, bytes, (size_t)head_len) == 0) {
		read_client(&head);
		if (read_body(&head, bytes + head_len, len - (size_t)head_len, body, &body_len))
			read_fields(&head, (struct slice){ body, body_len });
	}
	free(bytes);
	return 0;
}
