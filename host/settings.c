/* SPDX-License-Identifier: Apache-2.0 */
/* Binding the host's sections, and what one key demands of another. */
#include "settings.h"

#include "address.h"
#include "return_url.h"
#include "settings_group.h"
#include "settings_tables.h"
#include "xalloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *member(struct settings *settings, const struct settings_section *section)
{
	return (char *)settings + section->offset;
}

static bool bind_section(const struct opt_table *table, struct conf_section *section,
			 const char *name, void *out, struct err *err)
{
	if (!opt_bind(table, section, name, out, err))
		return false;
	return !section || opt_check_all_used(section, &table, 1, err);
}

static bool bind_groups(struct settings *settings, const struct conf *conf, struct err *err)
{
	settings->groups = xcalloc(conf->n_sections + 1, sizeof(*settings->groups));
	for (size_t i = 0; i < conf->n_sections; i++) {
		struct conf_section *section = &conf->sections[i];
		struct group_settings *group = &settings->groups[settings->n_groups];

		if (settings_table(section->name) != &settings_group_table)
			continue;
		if (!settings_read_group(group, section, err))
			return false;
		settings->n_groups++;
		if (!bind_section(&settings_group_table, section, section->name, group, err))
			return false;
	}
	return true;
}

/* Takes over a path of an option and makes it absolute. */
static bool make_absolute(const char **path, const char *base, struct err *err)
{
	char *full;

	if (**path == '/')
		return true;
	if (!base)
		return err_set(err, "the current folder: %s", strerror(errno));
	if (asprintf(&full, "%s/%s", base, *path) < 0)
		out_of_memory();
	free((char *)*path);
	*path = full;
	return true;
}

static bool resolve_paths(struct settings *settings, struct err *err)
{
	char *cwd = getcwd(NULL, 0);
	bool ok = make_absolute(&settings->server.state_dir, cwd, err);

	free(cwd);
	if (ok && *settings->log.access && strcmp(settings->log.access, "-") != 0)
		ok = make_absolute(&settings->log.access, settings->server.state_dir, err);
	return ok;
}

bool settings_split_listen(const char *text, struct slice *address_out, uint16_t *port_out)
{
	const char *colon = strrchr(text, ':');
	bool is_v6 = *text == '[';
	struct address ignored;
	unsigned long port;
	char *end;

	if (!colon || colon - text < 3 || colon[1] < '0' || colon[1] > '9')
		return false;
	port = strtoul(colon + 1, &end, 10);
	if (*end || port > UINT16_MAX || (colon[-1] == ']') != is_v6)
		return false;
	*address_out = (struct slice){ text + is_v6, (size_t)(colon - text) - 2 * is_v6 };
	*port_out = (uint16_t)port;
	return (memchr(address_out->ptr, ':', address_out->len) != NULL) == is_v6 &&
	       address_parse(&ignored, *address_out);
}

static bool check_listeners(const struct conf *conf, const char *key, const char *const *listeners,
			    struct err *err)
{
	struct conf_place place = conf_place_of(conf_section(conf, "server"), "server", key);
	struct slice address;
	uint16_t port;

	for (size_t i = 0; listeners[i]; i++) {
		if (!settings_split_listen(listeners[i], &address, &port))
			return conf_fail(err, &place,
					 "\"%.60s\" is not ADDRESS:PORT, such as 127.0.0.1:8080 "
					 "or [::1]:8080",
					 listeners[i]);
	}
	return true;
}

static void cut_slash(const char *url)
{
	size_t len = strlen(url);

	if (len > 0 && url[len - 1] == '/')
		((char *)url)[len - 1] = '\0';
}

static bool check_server(const struct server_settings *server, const struct conf *conf,
			 struct err *err)
{
	const struct conf_section *section = conf_section(conf, "server");
	bool has_cert = *server->tls_cert != '\0', has_key = *server->tls_key != '\0';
	bool has_tls = server->listen_tls[0] != NULL;
	struct conf_place place;

	if (!server->listen[0] && !has_tls) {
		place = conf_place_of(section, "server", "listen");
		return conf_fail(err, &place, "no listener: set listen or listen_tls");
	}
	if (has_cert != has_tls || has_key != has_tls) {
		place = conf_place_of(section, "server",
				      has_tls ? "listen_tls" : (has_cert ? "tls_cert" : "tls_key"));
		return conf_fail(err, &place, "listen_tls, tls_cert and tls_key need each other");
	}
	if (*server->public_url && strncmp(server->public_url, "http://", 7) != 0 &&
	    strncmp(server->public_url, "https://", 8) != 0) {
		place = conf_place_of(section, "server", "public_url");
		return conf_fail(err, &place, "must start with https:// or http://");
	}
	for (size_t i = 0; server->return_urls[i]; i++) {
		place = conf_place_of(section, "server", "return_urls");
		if (*server->return_urls[i] == '/' || strchr(server->return_urls[i], '#') ||
		    !return_url_is_plain(server->return_urls[i]))
			return conf_fail(err, &place,
					 "\"%.60s\" is no http or https URL without a #",
					 server->return_urls[i]);
	}
	return check_listeners(conf, "listen", server->listen, err) &&
	       check_listeners(conf, "listen_tls", server->listen_tls, err);
}

static bool check_token(const struct token_settings *token, const struct conf *conf,
			struct err *err)
{
	const struct conf_section *section = conf_section(conf, "token");
	struct conf_place place;

	if (*token->jwt_secret_previous && !*token->jwt_secret) {
		place = conf_place_of(section, "token", "jwt_secret_previous");
		return conf_fail(err, &place, "needs jwt_secret");
	}
	if (token->refresh_ttl_ms > token->absolute_ttl_ms) {
		place = conf_place_of(section, "token", "refresh_ttl");
		return conf_fail(err, &place, "must not be longer than absolute_ttl");
	}
	return true;
}

/* Whether name is a section that a plugin serves. */
static bool check_names(const struct conf *conf, const char *section, const char *key,
			const char *name, struct err *err)
{
	struct conf_place place = conf_place_of(conf_section(conf, section), section, key);

	if (conf_section(conf, name) && !settings_table(name))
		return true;
	return conf_fail(err, &place, "there is no section [%.60s] of a plugin", name);
}

bool settings_bind(struct settings *settings, const struct conf *conf, struct err *err)
{
	*settings = (struct settings){ 0 };
	for (size_t i = 0; i < SETTINGS_SECTIONS; i++) {
		const struct settings_section *section = &settings_host_sections[i];

		if (!bind_section(&section->table, conf_section(conf, section->name), section->name,
				  member(settings, section), err))
			goto fail;
	}
	cut_slash(settings->server.public_url);
	if (!bind_groups(settings, conf, err) || !resolve_paths(settings, err) ||
	    !check_server(&settings->server, conf, err) ||
	    !check_token(&settings->token, conf, err) ||
	    !check_names(conf, "storage", "db", settings->storage.db, err) ||
	    !check_names(conf, "storage", "kv", settings->storage.kv, err) ||
	    !settings_check_groups(settings, conf, err))
		goto fail;
	return true;
fail:
	settings_fini(settings);
	return false;
}

void settings_fini(struct settings *settings)
{
	for (size_t i = 0; i < SETTINGS_SECTIONS; i++)
		opt_fini(&settings_host_sections[i].table,
			 member(settings, &settings_host_sections[i]));
	for (size_t i = 0; i < settings->n_groups; i++)
		opt_fini(&settings_group_table, &settings->groups[i]);
	free(settings->groups);
	*settings = (struct settings){ 0 };
}

static bool are_loopback(const char *const *listeners)
{
	for (size_t i = 0; listeners[i]; i++) {
		struct address address;
		struct slice text;
		uint16_t port;

		if (!settings_split_listen(listeners[i], &text, &port) ||
		    !address_parse(&address, text) || !address_is_loopback(&address))
			return false;
	}
	return true;
}

bool settings_is_loopback(const struct settings *settings)
{
	return are_loopback(settings->server.listen) && are_loopback(settings->server.listen_tls);
}
