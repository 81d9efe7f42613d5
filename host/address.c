/* SPDX-License-Identifier: Apache-2.0 */
#include "address.h"

#include "ascii.h"
#include "text.h"
#include "xalloc.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };

struct network {
	struct address base;
	unsigned n_bits;
};

static bool is_v4(const struct address *address)
{
	return memcmp(address->bytes, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

static void from_v4(struct address *out, const void *bytes)
{
	memcpy(out->bytes, mapped_prefix, sizeof(mapped_prefix));
	memcpy(out->bytes + sizeof(mapped_prefix), bytes, 4);
}

void address_from_socket(struct address *out, const struct sockaddr *sa)
{
	memset(out, 0, sizeof(*out));
	if (sa->sa_family == AF_INET) {
		from_v4(out, &((const struct sockaddr_in *)(const void *)sa)->sin_addr);
	} else if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)sa;

		memcpy(out->bytes, &in6->sin6_addr, sizeof(out->bytes));
	}
}

bool address_parse(struct address *out, struct slice text)
{
	char copy[ADDRESS_TEXT_MAX];
	struct in_addr v4;

	if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.ptr, '\0', text.len))
		return false;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	if (inet_pton(AF_INET6, copy, out->bytes) == 1)
		return true;
	if (inet_pton(AF_INET, copy, &v4) != 1)
		return false;
	from_v4(out, &v4);
	return true;
}

void address_text(const struct address *address, char out[ADDRESS_TEXT_MAX])
{
	struct text text = { .bytes = out, .size = ADDRESS_TEXT_MAX };

	if (!is_v4(address)) {
		/* Cannot fail: out has room for the longest. */
		(void)inet_ntop(AF_INET6, address->bytes, out, ADDRESS_TEXT_MAX);
		return;
	}
	for (size_t i = sizeof(mapped_prefix); i < sizeof(address->bytes); i++) {
		text_put_number(&text, address->bytes[i], 1);
		text_put_byte(&text, i + 1 < sizeof(address->bytes) ? '.' : '\0');
	}
}

void address_group(const struct address *address, struct address *out)
{
	*out = *address;
	if (!is_v4(address))
		memset(out->bytes + 8, 0, 8);
}

void address_network(const struct address *address, char out[ADDRESS_NETWORK_MAX])
{
	size_t n_kept = is_v4(address) ? 15 : 6;
	struct address base = *address;
	char text[ADDRESS_TEXT_MAX];

	memset(base.bytes + n_kept, 0, sizeof(base.bytes) - n_kept);
	address_text(&base, text);
	(void)snprintf(out, ADDRESS_NETWORK_MAX, "%s/%d", text, is_v4(address) ? 24 : 48);
}

bool address_is_loopback(const struct address *address)
{
	static const struct address v6 = { .bytes = { [15] = 1 } };

	if (is_v4(address))
		return address->bytes[12] == 127;
	return memcmp(address, &v6, sizeof(v6)) == 0;
}

static bool network_has(const struct network *network, const struct address *address)
{
	unsigned n_whole = network->n_bits / 8, n_rest = network->n_bits % 8;

	if (memcmp(network->base.bytes, address->bytes, n_whole) != 0)
		return false;
	if (n_rest == 0)
		return true;
	return (network->base.bytes[n_whole] ^ address->bytes[n_whole]) >> (8 - n_rest) == 0;
}

/* One to three digits, nothing else. */
static bool read_bits(const char *text, unsigned max, unsigned *out)
{
	size_t len = strlen(text);
	unsigned bits;

	if (len == 0 || len > 3 || strspn(text, "0123456789") != len)
		return false;
	bits = (unsigned)strtoul(text, NULL, 10);
	if (bits > max)
		return false;
	*out = bits;
	return true;
}

static bool has_bits_after(const struct address *address, unsigned n_bits)
{
	for (unsigned i = n_bits; i < 128; i++)
		if (address->bytes[i / 8] & (0x80u >> i % 8))
			return true;
	return false;
}

static bool network_parse(struct network *out, const char *text, struct err *err)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	bool is_dotted = !memchr(text, ':', len);

	if (!address_parse(&out->base, (struct slice){ text, len }))
		return err_set(err, "%s: not an address or a network", text);
	out->n_bits = is_dotted ? 32 : 128;
	if (slash && !read_bits(slash + 1, out->n_bits, &out->n_bits))
		return err_set(err, "%s: the prefix length must be 0 to %u", text, out->n_bits);
	if (is_dotted)
		out->n_bits += 96;
	if (has_bits_after(&out->base, out->n_bits))
		return err_set(err, "%s: the address has bits beyond its prefix", text);
	return true;
}

bool network_list_init(struct network_list *list, const char *const *texts, struct err *err)
{
	size_t n = 0;

	*list = (struct network_list){ 0 };
	while (texts && texts[n])
		n++;
	if (n == 0)
		return true;
	list->items = xcalloc(n, sizeof(*list->items));
	for (; list->n_items < n; list->n_items++) {
		if (!network_parse(&list->items[list->n_items], texts[list->n_items], err)) {
			network_list_fini(list);
			return false;
		}
	}
	return true;
}

void network_list_fini(struct network_list *list)
{
	free(list->items);
	*list = (struct network_list){ 0 };
}

bool network_list_has(const struct network_list *list, const struct address *address)
{
	for (size_t i = 0; i < list->n_items; i++)
		if (network_has(&list->items[i], address))
			return true;
	return false;
}

/* Takes the right-most element off a comma list. */
static struct slice take_last(struct slice *rest)
{
	const char *comma = rest->len > 0 ? memrchr(rest->ptr, ',', rest->len) : NULL;
	struct slice last = *rest;

	if (comma) {
		last.len = rest->len - (size_t)(comma - rest->ptr) - 1;
		last.ptr = comma + 1;
	}
	rest->len = comma ? (size_t)(comma - rest->ptr) : 0;
	return ascii_trim(last);
}

void address_of_client(struct address *out, const struct address *peer, struct slice forwarded,
		       const struct network_list *trusted)
{
	struct address hop;

	*out = *peer;
	while (forwarded.len > 0 && network_list_has(trusted, out)) {
		if (!address_parse(&hop, take_last(&forwarded)))
			return;
		*out = hop;
	}
}
