/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's own sections of conf.d, bound to structs by the same option tables that plugins use.
 * settings_tables.c holds every table: name, default, bounds and help in one place. No limit can be
 * switched off: 0 is refused, it never means "unlimited".
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include "opt.h"
#include "slice.h"

#include <stdint.h>

enum { MODE_PRODUCTION, MODE_DEVELOPMENT };

struct server_settings {
	const char *const *listen, *const *listen_tls; /* "127.0.0.1:8080", "[::1]:0" */
	const char *tls_cert, *tls_key;
	const char *state_dir;  /* made absolute */
	const char *plugin_dir; /* empty: beside the program */
	const char *public_url; /* without a slash at its end */
	const char *const *return_urls;
	const char *const *trusted_proxies, *const *metrics_allow, *const *cors_origins;
	int32_t mode;
	int64_t workers; /* 0: one a CPU */
	int64_t drain_timeout_ms;
	int64_t max_head, max_body, head_timeout_ms, body_timeout_ms, write_timeout_ms,
		idle_timeout_ms;
	int64_t max_connections, max_per_address;
	int64_t max_live, max_live_per_address, live_ping_ms;
};

struct pool_settings {
	int64_t threads, queue, call_timeout_ms, retire_after_ms;
	int64_t hash_threads; /* of the whole machine; 0: one a CPU */
	int64_t hash_queue, verify_threads;
};

struct storage_settings {
	const char *db, *kv; /* names of sections */
	int64_t timeout_ms;
};

struct token_settings {
	const char *issuer; /* empty: public_url, else the first listener */
	const char *audience;
	const char *jwt_secret, *jwt_secret_previous; /* HS256 when set; 32 bytes or more */
	int64_t access_ttl_ms, refresh_ttl_ms, absolute_ttl_ms, refresh_grace_ms;
	int64_t rotate_lead_ms;     /* a new key is published this long before it signs */
	int64_t cache_entries;      /* verified tokens a worker remembers */
	const char *const *clients; /* id:secret of those who may introspect and revoke */
};

struct session_settings {
	int64_t max_app, max_web, max_oa; /* of one account; 0 is refused */
	int64_t touch_interval_ms;        /* last_active_at is written at most this often */
	int64_t keep_ms;                  /* rows, from the end of the session */
};

struct account_settings {
	int32_t auto_register;
	const char *const *user_types; /* the first is the default */
};

struct limit_settings {
	int64_t flow_ttl_ms, flow_tries, resend_ms;
	int64_t code_failures, code_window_ms;     /* per target and purpose, across flows */
	int64_t secret_failures, secret_window_ms; /* per target, for a verify without flow */
	int64_t secret_failures_total;             /* without a success between */
	int64_t send_target_hour, send_target_day; /* one per resend_ms besides */
	int64_t send_notice_hour, send_notice_day; /* to a target, beside these */
	int64_t send_address_hour, send_address_day;
	int64_t send_device_hour, send_device_day; /* where the client names it */
	int64_t send_prefix_hour, send_prefix_day, send_global_hour, send_global_day;
	/* codes that were sent and not entered, in missing_window */
	int64_t missing_country, missing_numbers, missing_network;
	int64_t missing_per_entry; /* of them, one that is entered makes up for */
	int64_t missing_window_ms;
	int64_t address_per_minute, address_auth_per_minute;
	const char *const *blocked_addresses;
	const char *const *countries; /* "86", "852"; "*": all */
};

struct key_settings {
	const char *const
		*secrets; /* id:base64 of 32 bytes, the first seals; empty: made in state_dir */
};

struct log_settings {
	int32_t level;
	const char *access; /* an absolute path, "-": standard output, empty: none */
	int64_t keep_logins_ms, keep_audit_ms, keep_messages_ms; /* rows */
};

struct test_number_settings {
	const char *const *codes; /* "+8613800138000:491726", "reviewer@example.com:835604" */
	const char *expires;      /* the last day, "2026-12-31" */
	int32_t may_share;        /* an account with other identities */
};

#define GROUP_ANY_PURPOSE -1
enum { GROUP_LISTED, GROUP_WEIGHTED };

/* A section "group NAME", or one for some of its messages: "group NAME COUNTRY PURPOSE". */
struct group_settings {
	const char *section; /* its whole name; lent by the conf */
	char name[CONF_NAME_MAX + 1];
	char country[4]; /* calling code; empty: all */
	int32_t purpose;
	const char *const *senders; /* "gate", "gate:3" */
	int32_t order;
};

struct settings {
	struct server_settings server;
	struct pool_settings pool;
	struct storage_settings storage;
	struct token_settings token;
	struct session_settings session;
	struct account_settings account;
	struct limit_settings limits;
	struct key_settings keys;
	struct log_settings log;
	struct test_number_settings test_numbers;
	struct group_settings *groups;
	size_t n_groups;
};

/* Binds every host section of conf and checks what spans keys. conf must outlive settings. */
bool settings_bind(struct settings *settings, const struct conf *conf, struct err *err);
void settings_fini(struct settings *settings);
/* The table of a host section by its name ("server"; "group x" too); NULL when the name is none. */
const struct opt_table *settings_table(const char *section);
/* Names for which settings_table answers ("group" for all groups), NULL-terminated. */
const char *const *settings_sections(void);
/* Whether every listener is a loopback address. */
bool settings_is_loopback(const struct settings *settings);
/* Takes "127.0.0.1:8080" or "[::1]:0" apart; false when it is neither. */
bool settings_split_listen(const char *text, struct slice *address_out, uint16_t *port_out);

/* Takes "gate" (of weight 1) or "gate:3" apart; false when it is neither. */
bool settings_split_sender(const char *text, char name_out[CONF_NAME_MAX + 1], int64_t *weight_out);

#endif
