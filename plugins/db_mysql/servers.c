/* SPDX-License-Identifier: Apache-2.0 */
#include "servers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEFT_ALONE_MS 10000 /* a server that was found bad, unless there is no other */
#define PORT_MAX 65535

static bool parse_port(const char *text, unsigned *out)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || port < 1 || port > PORT_MAX)
		return false;
	*out = (unsigned)port;
	return true;
}

/* "name", "name:port", "[address]:port", or an IPv6 address alone. */
static bool parse(const char *text, struct server *out)
{
	bool is_bracketed = text[0] == '[';
	const char *begin = text + is_bracketed, *end, *colon = strrchr(begin, ':');
	size_t len;

	if (is_bracketed) {
		end = strchr(begin, ']');
		if (!end || (end[1] && end[1] != ':'))
			return false;
		colon = end[1] ? end + 1 : NULL;
	} else {
		if (colon && strchr(begin, ':') != colon)
			colon = NULL;
		end = colon ? colon : begin + strlen(begin);
	}
	len = (size_t)(end - begin);
	if (len == 0 || len >= sizeof(out->name))
		return false;
	memcpy(out->name, begin, len);
	return !colon || parse_port(colon + 1, &out->port);
}

bool servers_init(struct servers *servers, struct site *site, const char *const *hosts, char *err,
		  size_t err_len)
{
	const struct conf *conf = &site->conf;

	*servers = (struct servers){ .site = site };
	(void)pthread_mutex_init(&servers->mutex, NULL);
	for (; hosts[servers->n] && servers->n < SERVERS_MAX; servers->n++) {
		struct server *server = &servers->list[servers->n];

		server->port = (unsigned)conf->port;
		if (parse(hosts[servers->n], server))
			continue;
		(void)snprintf(err, err_len,
			       "host: \"%.100s\" is not name, name:port or [address]:port",
			       hosts[servers->n]);
		return false;
	}
	if (*conf->socket) {
		servers->n = 1;
		(void)snprintf(servers->list[0].name, sizeof(servers->list[0].name), "%s",
			       conf->socket);
	}
	return true;
}

void servers_fini(struct servers *servers)
{
	if (servers->site)
		(void)pthread_mutex_destroy(&servers->mutex);
}

bool servers_may_try(struct servers *servers, size_t i)
{
	const struct server *server = &servers->list[i];
	bool may;

	(void)pthread_mutex_lock(&servers->mutex);
	may = !server->is_bad || site_now(servers->site) - server->bad_at_ms >= LEFT_ALONE_MS;
	(void)pthread_mutex_unlock(&servers->mutex);
	return may;
}

void servers_mark(struct servers *servers, size_t i, bool is_good)
{
	struct server *server = &servers->list[i];

	(void)pthread_mutex_lock(&servers->mutex);
	server->is_bad = !is_good;
	if (!is_good)
		server->bad_at_ms = site_now(servers->site);
	(void)pthread_mutex_unlock(&servers->mutex);
}

void servers_mark_unfit(struct servers *servers, size_t i)
{
	servers_mark(servers, i, false);
	(void)pthread_mutex_lock(&servers->mutex);
	servers->list[i].unfit_at_ms = site_now(servers->site);
	(void)pthread_mutex_unlock(&servers->mutex);
}

bool servers_is_outdated(struct servers *servers, size_t i, int64_t opened_ms)
{
	bool is_outdated;

	(void)pthread_mutex_lock(&servers->mutex);
	is_outdated = servers->list[i].unfit_at_ms >= opened_ms;
	(void)pthread_mutex_unlock(&servers->mutex);
	return is_outdated;
}

bool servers_shall_warn(struct servers *servers, size_t i)
{
	bool is_first;

	(void)pthread_mutex_lock(&servers->mutex);
	is_first = !servers->list[i].is_warned;
	servers->list[i].is_warned = true;
	(void)pthread_mutex_unlock(&servers->mutex);
	return is_first;
}
