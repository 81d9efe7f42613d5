/* SPDX-License-Identifier: Apache-2.0 */
/* Every key of the host's own sections: the one place of its default, its bounds and its manual. */
#include "settings_tables.h"

#include <string.h>

#define AT(section, member) PINTLE_OPT(struct section##_settings, member)
#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define KIB INT64_C(1024)
#define MIB (1024 * KIB)
#define TABLE(array, section)                                                                      \
	{                                                                                          \
		.opts = (array), .n_opts = sizeof(array) / sizeof((array)[0]),                     \
		.conf_size = sizeof(struct section##_settings),                                    \
	}
/* clang-format off: one key is two lines: name, type, member, default, bounds, choices; help. */
static const struct pintle_opt server_opts[] = {
	{ "listen", PINTLE_LIST, AT(server, listen), "127.0.0.1:8080", 0, 16, NULL,
	  "Addresses and ports for plain HTTP, such as 127.0.0.1:8080 or [::1]:8080; port "
	  "0 takes a free one." },
	{ "listen_tls", PINTLE_LIST, AT(server, listen_tls), "", 0, 16, NULL,
	  "Addresses and ports for HTTPS; needs tls_cert and tls_key." },
	{ "tls_cert", PINTLE_STRING, AT(server, tls_cert), "", 0, 4096, NULL,
	  "PEM file with the certificate and its chain." },
	{ "tls_key", PINTLE_STRING, AT(server, tls_key), "", 0, 4096, NULL,
	  "PEM file with the private key of the certificate." },
	{ "state_dir", PINTLE_STRING, AT(server, state_dir), "state", 1, 1024, NULL,
	  "Folder for keys, embedded stores and sockets; made when missing, readable by "
	  "the server only." },
	{ "plugin_dir", PINTLE_STRING, AT(server, plugin_dir), "", 0, 1024, NULL,
	  "Folder of the plugins' .so files; empty: the folder plugins beside the program." },
	{ "public_url", PINTLE_STRING, AT(server, public_url), "", 0, 1024, NULL,
	  "URL under which clients reach this server, for links and as issuer of tokens." },
	{ "return_urls", PINTLE_LIST, AT(server, return_urls), "", 0, 256, NULL,
	  "URLs of other servers that a sign-in may lead back to, compared as they stand; paths of "
	  "this server always may." },
	{ "trusted_proxies", PINTLE_LIST, AT(server, trusted_proxies), "", 0, 256, NULL,
	  "Networks of the proxies whose X-Forwarded-For and X-Request-Id are believed." },
	{ "metrics_allow", PINTLE_LIST, AT(server, metrics_allow), "127.0.0.0/8, ::1", 0, 256, NULL,
	  "Networks that may read /metrics." },
	{ "cors_origins", PINTLE_LIST, AT(server, cors_origins), "", 0, 256, NULL,
	  "Origins whose pages may call this server from a browser; empty: none." },
	{ "mode", PINTLE_CHOICE, AT(server, mode), "production", 0, 0, "production development",
	  "development lets the operator see what is otherwise hidden, such as codes in "
	  "the outbox." },
	{ "workers", PINTLE_INT, AT(server, workers), "0", 0, 32, NULL,
	  "Worker processes; 0: one a processor." },
	{ "drain_timeout", PINTLE_DURATION, AT(server, drain_timeout_ms), "30s", 1, HOUR, NULL,
	  "How long a stopping worker may take to finish what runs." },
	{ "max_head", PINTLE_BYTES, AT(server, max_head), "16K", KIB, 64 * KIB, NULL,
	  "Largest request line and headers together." },
	{ "max_body", PINTLE_BYTES, AT(server, max_body), "1M", KIB, 64 * MIB, NULL,
	  "Largest request body." },
	{ "head_timeout", PINTLE_DURATION, AT(server, head_timeout_ms), "10s", 10, HOUR, NULL,
	  "Time a client has to send a whole request head." },
	{ "body_timeout", PINTLE_DURATION, AT(server, body_timeout_ms), "30s", 10, HOUR, NULL,
	  "Time a client has to send a whole request body." },
	{ "write_timeout", PINTLE_DURATION, AT(server, write_timeout_ms), "30s", 10, HOUR, NULL,
	  "Time a client has to take its answer." },
	{ "idle_timeout", PINTLE_DURATION, AT(server, idle_timeout_ms), "60s", 10, HOUR, NULL,
	  "How long a connection may wait for its next request." },
	{ "max_connections", PINTLE_INT, AT(server, max_connections), "20000", 1, 1000000, NULL,
	  "Connections a worker holds at once." },
	{ "max_per_address", PINTLE_INT, AT(server, max_per_address), "1024", 1, 1000000, NULL,
	  "Connections a worker holds at once from one address." },
	{ "max_live", PINTLE_INT, AT(server, max_live), "5000", 1, 1000000, NULL,
	  "WebSockets and event streams a worker holds at once; they are connections, too, "
	  "and never more than half of max_connections." },
	{ "max_live_per_address", PINTLE_INT, AT(server, max_live_per_address), "256", 1, 1000000,
	  NULL, "WebSockets and event streams a worker holds at once for one client address." },
	{ "live_ping", PINTLE_DURATION, AT(server, live_ping_ms), "30s", SECOND, HOUR, NULL,
	  "How often a WebSocket is pinged, which must be answered before the next, and an "
	  "event stream sent a comment." },
};

static const struct pintle_opt pool_opts[] = {
	{ "threads", PINTLE_INT, AT(pool, threads), "32", 1, 512, NULL,
	  "Requests a worker runs at once." },
	{ "queue", PINTLE_INT, AT(pool, queue), "1024", 1, 100000, NULL,
	  "Requests that may wait for a thread; more are answered 503." },
	{ "call_timeout", PINTLE_DURATION, AT(pool, call_timeout_ms), "10s", 100, 10 * MINUTE, NULL,
	  "Time one request may take before it is answered 504." },
	{ "retire_after", PINTLE_DURATION, AT(pool, retire_after_ms), "10s", 100, HOUR, NULL,
	  "How long after its time-out a plugin may still run before its worker is replaced." },
	{ "hash_threads", PINTLE_INT, AT(pool, hash_threads), "0", 0, 256, NULL,
	  "Threads of the whole machine that hash secrets; 0: one a processor." },
	{ "hash_queue", PINTLE_INT, AT(pool, hash_queue), "64", 1, 100000, NULL,
	  "Hashes of a worker that may wait; more are answered 503." },
	{ "verify_threads", PINTLE_INT, AT(pool, verify_threads), "2", 1, 64, NULL,
	  "Threads of a worker that check tokens not seen before." },
};

static const struct pintle_opt storage_opts[] = {
	{ "db", PINTLE_STRING, AT(storage, db), NULL, 1, 47, NULL,
	  "Name of the section that is the SQL store." },
	{ "kv", PINTLE_STRING, AT(storage, kv), NULL, 1, 47, NULL,
	  "Name of the section that is the key-value store." },
	{ "timeout", PINTLE_DURATION, AT(storage, timeout_ms), "2s", 50, MINUTE, NULL,
	  "Time a store has to answer before the request fails with 503." },
};

static const struct pintle_opt token_opts[] = {
	{ "issuer", PINTLE_STRING, AT(token, issuer), "", 0, 1024, NULL,
	  "The iss of tokens; empty: server.public_url, else the first listener." },
	{ "audience", PINTLE_STRING, AT(token, audience), "pintle", 1, 256, NULL,
	  "The aud of tokens." },
	{ "jwt_secret", PINTLE_SECRET, AT(token, jwt_secret), "", 32, 4096, NULL,
	  "Signs tokens with HS256 when set; empty: ES256 with keys made in the state folder." },
	{ "jwt_secret_previous", PINTLE_SECRET, AT(token, jwt_secret_previous), "", 32, 4096, NULL,
	  "The secret before this one; its tokens stay valid until they expire." },
	{ "access_ttl", PINTLE_DURATION, AT(token, access_ttl_ms), "24h", SECOND, 30 * DAY, NULL,
	  "Life of an access token." },
	{ "refresh_ttl", PINTLE_DURATION, AT(token, refresh_ttl_ms), "7d", SECOND, 365 * DAY, NULL,
	  "Life of a refresh token; each use gives a new one." },
	{ "absolute_ttl", PINTLE_DURATION, AT(token, absolute_ttl_ms), "30d", SECOND, 3650 * DAY,
	  NULL, "Life of a session, however often it is refreshed." },
	{ "refresh_grace", PINTLE_DURATION, AT(token, refresh_grace_ms), "10s", 0, 30 * SECOND,
	  NULL,
	  "How long a used refresh token may be sent again by a client that missed the answer." },
	{ "rotate_lead", PINTLE_DURATION, AT(token, rotate_lead_ms), "1h", 0, 30 * DAY, NULL,
	  "How long a new key is published before it signs." },
	{ "cache_entries", PINTLE_INT, AT(token, cache_entries), "20000", 16, 1000000, NULL,
	  "Verified tokens a worker remembers." },
	{ "clients", PINTLE_LIST, AT(token, clients), "", 0, 256, NULL,
	  "Who may introspect and revoke tokens, each as id:secret." },
};

static const struct pintle_opt session_opts[] = {
	{ "max_app", PINTLE_INT, AT(session, max_app), "5", 1, 1000, NULL,
	  "Sessions an account may have in apps; the oldest gives way." },
	{ "max_web", PINTLE_INT, AT(session, max_web), "5", 1, 1000, NULL,
	  "Sessions an account may have in browsers; the oldest gives way." },
	{ "max_oa", PINTLE_INT, AT(session, max_oa), "2", 1, 1000, NULL,
	  "Sessions an account may have in the back office; the oldest gives way." },
	{ "touch_interval", PINTLE_DURATION, AT(session, touch_interval_ms), "5m", SECOND, DAY,
	  NULL, "The time of last activity is written at most this often." },
	{ "keep", PINTLE_DURATION, AT(session, keep_ms), "30d", HOUR, 3650 * DAY, NULL,
	  "How long the row of a session stays after its end." },
};

static const struct pintle_opt account_opts[] = {
	{ "auto_register", PINTLE_FLAG, AT(account, auto_register), "yes", 0, 0, NULL,
	  "Whether a proved identifier nobody has makes a new account at sign-in." },
	{ "user_types", PINTLE_LIST, AT(account, user_types),
	  "farmer, farm_owner, cooperative, enterprise", 1, 64, NULL,
	  "Kinds of user; the first is what a new account gets." },
};

static const struct pintle_opt limits_opts[] = {
	{ "flow_ttl", PINTLE_DURATION, AT(limit, flow_ttl_ms), "5m", 10 * SECOND, DAY, NULL,
	  "Life of a flow and of its code." },
	{ "flow_tries", PINTLE_INT, AT(limit, flow_tries), "5", 1, 100, NULL,
	  "Wrong tries after which a flow is dead." },
	{ "resend", PINTLE_DURATION, AT(limit, resend_ms), "60s", SECOND, DAY, NULL,
	  "Time between two messages to one target." },
	{ "code_failures", PINTLE_INT, AT(limit, code_failures), "10", 1, 1000, NULL,
	  "Wrong codes for one target and purpose in code_window, over all flows and addresses." },
	{ "code_window", PINTLE_DURATION, AT(limit, code_window_ms), "15m", SECOND, 30 * DAY, NULL,
	  "The time in which code_failures counts." },
	{ "secret_failures", PINTLE_INT, AT(limit, secret_failures), "10", 1, 1000, NULL,
	  "Wrong secrets for one target in secret_window, from all addresses." },
	{ "secret_window", PINTLE_DURATION, AT(limit, secret_window_ms), "15m", SECOND, 30 * DAY,
	  NULL, "The time in which secret_failures counts." },
	{ "secret_failures_total", PINTLE_INT, AT(limit, secret_failures_total), "100", 1, 100000,
	  NULL,
	  "Wrong secrets for one target without a right one between, after which only "
	  "another way in works." },
	{ "send_target_hour", PINTLE_INT, AT(limit, send_target_hour), "5", 1, 10000, NULL,
	  "Messages to one target in an hour, without notices." },
	{ "send_target_day", PINTLE_INT, AT(limit, send_target_day), "10", 1, 10000, NULL,
	  "Messages to one target in a day, without notices." },
	{ "send_notice_hour", PINTLE_INT, AT(limit, send_notice_hour), "5", 1, 10000, NULL,
	  "Notices to one target in an hour, such as that an account has another address." },
	{ "send_notice_day", PINTLE_INT, AT(limit, send_notice_day), "10", 1, 10000, NULL,
	  "Notices to one target in a day." },
	{ "send_address_hour", PINTLE_INT, AT(limit, send_address_hour), "20", 1, 1000000, NULL,
	  "Messages that one client address may cause in an hour." },
	{ "send_address_day", PINTLE_INT, AT(limit, send_address_day), "100", 1, 1000000, NULL,
	  "Messages that one client address may cause in a day." },
	{ "send_device_hour", PINTLE_INT, AT(limit, send_device_hour), "10", 1, 1000000, NULL,
	  "Messages that one device may cause in an hour, where the client names it." },
	{ "send_device_day", PINTLE_INT, AT(limit, send_device_day), "30", 1, 1000000, NULL,
	  "Messages that one device may cause in a day, where the client names it." },
	{ "send_prefix_hour", PINTLE_INT, AT(limit, send_prefix_hour), "2000", 1, 100000000, NULL,
	  "Messages to one country in an hour." },
	{ "send_prefix_day", PINTLE_INT, AT(limit, send_prefix_day), "20000", 1, 100000000, NULL,
	  "Messages to one country in a day." },
	{ "send_global_hour", PINTLE_INT, AT(limit, send_global_hour), "5000", 1, 100000000, NULL,
	  "Messages in an hour, all together." },
	{ "send_global_day", PINTLE_INT, AT(limit, send_global_day), "50000", 1, 100000000, NULL,
	  "Messages in a day, all together." },
	{ "missing_country", PINTLE_INT, AT(limit, missing_country), "500", 1, 100000000, NULL,
	  "Codes for one country that may be missing, sent but not entered, in missing_window; "
	  "then nothing is sent there." },
	{ "missing_numbers", PINTLE_INT, AT(limit, missing_numbers), "20", 1, 100000000, NULL,
	  "The same for a block of 1,000 numbers, alike but for the last three digits." },
	{ "missing_network", PINTLE_INT, AT(limit, missing_network), "50", 1, 100000000, NULL,
	  "The same for the clients of one network, an IPv4 /24 or an IPv6 /48, that ask for "
	  "codes." },
	{ "missing_per_entry", PINTLE_INT, AT(limit, missing_per_entry), "5", 1, 1000, NULL,
	  "How many missing codes one that is entered makes up for: with 5, one in five must be "
	  "entered." },
	{ "missing_window", PINTLE_DURATION, AT(limit, missing_window_ms), "1h", MINUTE, 30 * DAY,
	  NULL, "The time in which missing codes count; a hold ends with it." },
	{ "address_per_minute", PINTLE_INT, AT(limit, address_per_minute), "600", 1, 100000000,
	  NULL, "Requests of one client address in a minute." },
	{ "address_auth_per_minute", PINTLE_INT, AT(limit, address_auth_per_minute), "60", 1,
	  100000000, NULL, "Sign-in requests of one client address in a minute." },
	{ "blocked_addresses", PINTLE_LIST, AT(limit, blocked_addresses), "", 0, 10000, NULL,
	  "Networks that are refused everything." },
	{ "countries", PINTLE_LIST, AT(limit, countries), "86", 1, 300, NULL,
	  "Calling codes that messages may go to; * allows all." },
};

static const struct pintle_opt keys_opts[] = {
	{ "secrets", PINTLE_LIST, AT(key, secrets), "", 0, 64, NULL,
	  "Keys for data at rest, each as id:base64 of 32 bytes; the first seals, all "
	  "open; empty: made in the state folder." },
};

static const struct pintle_opt log_opts[] = {
	{ "level", PINTLE_CHOICE, AT(log, level), "info", 0, 0, "error warn info debug",
	  "The least important lines that are written." },
	{ "access", PINTLE_STRING, AT(log, access), "access.log", 0, 1024, NULL,
	  "File of the access log, in the state folder unless absolute; -: standard "
	  "output, empty: none." },
	{ "keep_logins", PINTLE_DURATION, AT(log, keep_logins_ms), "180d", DAY, 3650 * DAY, NULL,
	  "How long the table login_logs remembers an attempt to sign in." },
	{ "keep_audit", PINTLE_DURATION, AT(log, keep_audit_ms), "730d", DAY, 3650 * DAY, NULL,
	  "How long the table auth_logs remembers who did what." },
	{ "keep_messages", PINTLE_DURATION, AT(log, keep_messages_ms), "90d", DAY, 3650 * DAY, NULL,
	  "How long the table message_logs remembers a message." },
};

static const struct pintle_opt test_number_opts[] = {
	{ "codes", PINTLE_LIST, AT(test_number, codes), "", 0, 64, NULL,
	  "Phone numbers and e-mail addresses that sign in with a fixed code and get no message, "
	  "each as IDENTIFIER:CODE, for reviewers of an app store; empty: none." },
	{ "expires", PINTLE_STRING, AT(test_number, expires), "", 0, 10, NULL,
	  "The last day they do so, as YYYY-MM-DD, at most a year ahead; codes need it." },
	{ "may_share", PINTLE_FLAG, AT(test_number, may_share), "no", 0, 0, NULL,
	  "Whether they also sign in to an account that has other identities." },
};

static const struct pintle_opt group_opts[] = {
	{ "senders", PINTLE_LIST, AT(group, senders), NULL, 1, 16, NULL,
	  "Sections of the gateways of this group, the preferred one first; with order = weighted "
	  "each "
	  "may be NAME:WEIGHT." },
	{ "order", PINTLE_CHOICE, AT(group, order), "listed", 0, 0, "listed weighted",
	  "listed: the first that is well takes a message; weighted: each takes its share, and the "
	  "others follow where it fails." },
};

const struct settings_section settings_host_sections[SETTINGS_SECTIONS] = {
	{ "server", offsetof(struct settings, server), TABLE(server_opts, server) },
	{ "pool", offsetof(struct settings, pool), TABLE(pool_opts, pool) },
	{ "storage", offsetof(struct settings, storage), TABLE(storage_opts, storage) },
	{ "token", offsetof(struct settings, token), TABLE(token_opts, token) },
	{ "session", offsetof(struct settings, session), TABLE(session_opts, session) },
	{ "account", offsetof(struct settings, account), TABLE(account_opts, account) },
	{ "limits", offsetof(struct settings, limits), TABLE(limits_opts, limit) },
	{ "keys", offsetof(struct settings, keys), TABLE(keys_opts, key) },
	{ "log", offsetof(struct settings, log), TABLE(log_opts, log) },
	{ "test_numbers", offsetof(struct settings, test_numbers),
	  TABLE(test_number_opts, test_number) },
};

const struct opt_table settings_group_table = TABLE(group_opts, group);
/* clang-format on */

const struct opt_table *settings_table(const char *section)
{
	for (size_t i = 0; i < SETTINGS_SECTIONS; i++) {
		if (strcmp(settings_host_sections[i].name, section) == 0)
			return &settings_host_sections[i].table;
	}
	if (strcmp(section, "group") == 0 || strncmp(section, "group ", 6) == 0)
		return &settings_group_table;
	return NULL;
}

const char *const *settings_sections(void)
{
	static const char *const names[] = { "server",  "pool",    "storage",      "token",
					     "session", "account", "limits",       "keys",
					     "log",     "group",   "test_numbers", NULL };

	return names;
}
