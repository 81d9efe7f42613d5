/* SPDX-License-Identifier: Apache-2.0 */
#include "hello.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID_MAX 48
#define LEAST_VERSION "6.2"

/* ---- Who we are ---- */

static bool is_error(const redisReply *reply)
{
	return reply->type == REDIS_REPLY_ERROR;
}

static void refuse(struct conn *conn, const char *what, const redisReply *reply)
{
	char reason[REASON_MAX], why[REASON_MAX + 32];

	base_reason(reason, sizeof(reason), reply);
	(void)snprintf(why, sizeof(why), "%s: %s", what, reason);
	conn_end(conn, why);
}

static void on_auth(void *ctx, const redisReply *reply)
{
	if (reply && is_error(reply))
		refuse(ctx, "AUTH", reply);
}

static void on_select(void *ctx, const redisReply *reply)
{
	if (reply && is_error(reply))
		refuse(ctx, "SELECT", reply);
}

bool hello_log_in(struct conn *conn)
{
	const struct conf *conf = conn->base->conf;
	const char *const with_user[] = { "AUTH", conf->user, conf->password };
	const char *const without[] = { "AUTH", conf->password };
	char number[24];
	const char *const select[] = { "SELECT", number };
	bool ok = true;

	(void)snprintf(number, sizeof(number), "%lld", (long long)conf->database);
	if (*conf->user)
		ok = conn_ask_words(conn, with_user, 3, on_auth, conn);
	else if (*conf->password)
		ok = conn_ask_words(conn, without, 2, on_auth, conn);
	return ok && (conf->database == 0 || conn_ask_words(conn, select, 2, on_select, conn));
}

/* ---- Whom we have met ---- */

/* The value of a line of INFO; false when there is none. */
static bool find(const char *lines, const char *name, char *out, size_t out_len)
{
	size_t name_len = strlen(name), len;

	while (lines && (strncmp(lines, name, name_len) != 0 || lines[name_len] != ':')) {
		lines = strchr(lines, '\n');
		lines = lines ? lines + 1 : NULL;
	}
	if (!lines)
		return false;
	lines += name_len + 1;
	len = strcspn(lines, "\r\n");
	if (len >= out_len)
		len = out_len - 1;
	memcpy(out, lines, len);
	out[len] = '\0';
	return true;
}

static bool is(const char *lines, const char *name, const char *value)
{
	char found[ID_MAX];

	return find(lines, name, found, sizeof(found)) && strcmp(found, value) == 0;
}

static bool is_old(const char *version)
{
	int major = 0, minor = 0;

	return sscanf(version, "%d.%d", &major, &minor) != 2 || major < 6 ||
	       (major == 6 && minor < 2);
}

/* NULL, or why it does not do. */
static const char *objection(const struct hello *hello, const char *lines)
{
	if (is_old(hello->version))
		return "it is older than Redis " LEAST_VERSION;
	if (is(lines, "cluster_enabled", "1"))
		return "it is part of a Redis Cluster, which is not supported";
	if (is(lines, "loading", "1"))
		return "it is loading its data";
	if (!is(lines, "role", "master"))
		return "it is no master";
	return NULL;
}

/* Records of limits and of what was used once must not go before their time. */
static void warn(struct hello *hello, const char *lines)
{
	char policy[ID_MAX] = "";

	if (hello->has_warned || is(lines, "maxmemory", "0") ||
	    !find(lines, "maxmemory_policy", policy, sizeof(policy)) ||
	    strcmp(policy, "noeviction") == 0)
		return;
	hello->has_warned = true;
	base_log(
		hello->base, PINTLE_LOG_WARN,
		"maxmemory-policy is %s: Redis may throw away counters of limits and marks of what "
		"was used once; set noeviction",
		policy);
}

/* ---- The epoch and the scripts ---- */

static void on_epoch(void *ctx, const redisReply *reply)
{
	struct hello *hello = ctx;

	if (!reply)
		return;
	if (reply->type != REDIS_REPLY_STRING || reply->len != EPOCH_LEN)
		refuse(hello->conn, "epoch", reply);
	else
		memcpy(hello->epoch, reply->str, EPOCH_LEN + 1);
}

/* The op of the first script there is from op on. */
static size_t next_script(size_t op)
{
	while (op < SCRIPT_N && !script_texts[op])
		op++;
	return op;
}

static void on_script(void *ctx, const redisReply *reply)
{
	struct hello *hello = ctx;

	if (!reply)
		return;
	if (reply->type != REDIS_REPLY_STRING || reply->len != SHA_LEN) {
		refuse(hello->conn, "SCRIPT LOAD", reply);
		return;
	}
	memcpy(hello->shas.at[hello->script], reply->str, SHA_LEN + 1);
	hello->script = next_script(hello->script + 1);
	if (hello->script == SCRIPT_N)
		hello->done(hello->owner);
}

static bool ask_epoch(struct hello *hello, const char *lines)
{
	char run[ID_MAX], replication[ID_MAX], former[ID_MAX], fresh[EPOCH_LEN + 1];
	struct names names;
	uint64_t random;

	names_init(&names, hello->base->conf);
	if (!find(lines, "run_id", run, sizeof(run)) ||
	    !find(lines, "master_replid", replication, sizeof(replication)) ||
	    !find(lines, "master_replid2", former, sizeof(former)) ||
	    hello->base->host->random(&random, sizeof(random)) != PINTLE_OK)
		return false;
	(void)snprintf(fresh, sizeof(fresh), "%016llx", (unsigned long long)random);
	const char *const words[] = { "EVAL",
				      script_epoch,
				      "2",
				      names.epoch_key,
				      names.epoch_of_key,
				      run,
				      replication,
				      former[strspn(former, "0")] == '\0' ? "1" : "0",
				      fresh };

	return conn_ask_words(hello->conn, words, sizeof(words) / sizeof(words[0]), on_epoch,
			      hello);
}

static bool ask_scripts(struct hello *hello)
{
	bool ok = true;

	hello->script = next_script(0);
	for (size_t i = hello->script; ok && i < SCRIPT_N; i = next_script(i + 1)) {
		const char *const words[] = { "SCRIPT", "LOAD", script_texts[i] };

		ok = conn_ask_words(hello->conn, words, 3, on_script, hello);
	}
	return ok;
}

static void on_info(void *ctx, const redisReply *reply)
{
	struct hello *hello = ctx;
	const char *why;

	if (!reply)
		return;
	if (reply->type != REDIS_REPLY_STRING) {
		refuse(hello->conn, "INFO", reply);
		return;
	}
	if (!find(reply->str, "redis_version", hello->version, sizeof(hello->version)))
		hello->version[0] = '\0';
	why = objection(hello, reply->str);
	if (!why && !(ask_epoch(hello, reply->str) && ask_scripts(hello)))
		why = "it does not say which process it is";
	if (why)
		conn_end(hello->conn, why);
	else
		warn(hello, reply->str);
}

bool hello_begin(struct hello *hello)
{
	const char *const words[] = { "INFO" };

	return hello_log_in(hello->conn) && conn_ask_words(hello->conn, words, 1, on_info, hello);
}
