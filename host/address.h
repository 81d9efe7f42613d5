/* SPDX-License-Identifier: Apache-2.0 */
/* Client addresses: parsing, printing, network lists, and who the client behind proxies is. */
#ifndef ADDRESS_H
#define ADDRESS_H

#include "err.h"
#include "slice.h"

#include <stdint.h>
#include <sys/socket.h>

#define ADDRESS_TEXT_MAX 46
#define ADDRESS_NETWORK_MAX (ADDRESS_TEXT_MAX + 4)

/* 16 bytes; IPv4 as ::ffff:a.b.c.d, so that every spelling is one value. */
struct address {
	uint8_t bytes[16];
};

struct network_list {
	struct network *items;
	size_t n_items;
};

void address_from_socket(struct address *out, const struct sockaddr *sa);
/* Numbers only; no zone, no port. */
bool address_parse(struct address *out, struct slice text);
void address_text(const struct address *address, char out[ADDRESS_TEXT_MAX]);
/* What limits count by: the address, or the /64 of IPv6. */
void address_group(const struct address *address, struct address *out);
/* The network around it, such as 203.0.113.0/24 or 2001:db8:7::/48: what one party usually has. */
void address_network(const struct address *address, char out[ADDRESS_NETWORK_MAX]);
bool address_is_loopback(const struct address *address);

/* texts is NULL-terminated: "10.0.0.0/8", "::1". The message names the bad one. */
bool network_list_init(struct network_list *list, const char *const *texts, struct err *err);
void network_list_fini(struct network_list *list);
bool network_list_has(const struct network_list *list, const struct address *address);

/* The right-most address of forwarded (X-Forwarded-For; empty: none) that is no trusted proxy; the
 * peer itself when the peer is not trusted. A malformed hop ends the walk at the hop before it. */
void address_of_client(struct address *out, const struct address *peer, struct slice forwarded,
		       const struct network_list *trusted);

#endif
