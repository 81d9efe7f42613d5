/* SPDX-License-Identifier: Apache-2.0 */
#include "show.h"

#include <stdio.h>
#include <time.h>

static const char *text(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value ? value : "-";
}

static long long number(const json_t *object, const char *name)
{
	return (long long)json_integer_value(json_object_get(object, name));
}

static const char *if_true(const json_t *object, const char *name, const char *yes, const char *no)
{
	return json_is_true(json_object_get(object, name)) ? yes : no;
}

void show_json(const json_t *data)
{
	(void)json_dumpf(data, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
	(void)putchar('\n');
}

void show_nothing(const json_t *data)
{
	(void)data;
}

static void show_reload(const json_t *reload)
{
	if (number(reload, "count") > 0)
		printf("last reload: %s%s%s\n", if_true(reload, "good", "good", "refused"),
		       *text(reload, "text") ? ": " : "", text(reload, "text"));
}

void show_status(const json_t *data)
{
	const json_t *stores = json_object_get(data, "stores"), *entry;
	size_t i;

	printf("pintled %s, pid %lld, generation %lld%s\n",
	       text(json_object_get(data, "versions"), "pintle"), number(data, "pid"),
	       number(data, "generation"), if_true(data, "stopping", ", stopping", ""));
	printf("stores: db %s, kv %s\n", if_true(stores, "db", "up", "down"),
	       if_true(stores, "kv", "up", "down"));
	json_array_foreach(json_object_get(data, "workers"), i, entry)
		printf("worker %lld: pid %lld, %s, generation %lld, restarts %lld\n",
		       number(entry, "slot"), number(entry, "pid"), text(entry, "state"),
		       number(entry, "generation"), number(entry, "restarts"));
	json_array_foreach(json_object_get(data, "instances"), i, entry)
		printf("instance %s: %s %s%s\n", text(entry, "name"), text(entry, "plugin"),
		       text(entry, "version"), if_true(entry, "quarantined", ", quarantined", ""));
	show_reload(json_object_get(data, "last_reload"));
}

void show_providers(const json_t *data)
{
	const json_t *entry;
	size_t i;

	json_array_foreach(data, i, entry)
		printf("%-20s %-20s %-10s %s\n", text(entry, "name"), text(entry, "plugin"),
		       text(entry, "version"),
		       if_true(entry, "quarantined", "quarantined", "serving"));
}

static void show_time(const char *label, const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);
	time_t seconds = (time_t)(json_integer_value(value) / 1000);
	char at[32];
	struct tm tm;

	if (json_is_string(value)) {
		printf("%s%s", label, json_string_value(value));
	} else if (json_is_integer(value) && gmtime_r(&seconds, &tm)) {
		(void)strftime(at, sizeof(at), "%Y-%m-%d %H:%M:%S", &tm);
		printf("%s%s", label, at);
	}
}

void show_gateways(const json_t *data)
{
	const json_t *entry;
	size_t i;

	json_array_foreach(data, i, entry) {
		printf("%-20s %-12s %-12s failures %lld, accepted %lld, entered %lld, delivered "
		       "%lld, lost %lld",
		       text(entry, "name"), text(entry, "plugin"), text(entry, "state"),
		       number(entry, "failures"), number(entry, "accepted"),
		       number(entry, "entered"), number(entry, "delivered"), number(entry, "lost"));
		show_time(", next probe ", entry, "probe_at");
		if (json_is_string(json_object_get(entry, "receipts")))
			printf(", receipts at %s", text(entry, "receipts"));
		(void)putchar('\n');
	}
}

void show_tests(const json_t *data)
{
	const json_t *entry;
	size_t i;

	json_array_foreach(data, i, entry)
		printf("%-20s %s\n", text(entry, "name"), text(entry, "result"));
}

void show_user(const json_t *data)
{
	const json_t *profile = json_object_get(data, "profile"), *entry;
	size_t i;

	printf("account %lld, uuid %s, %s\n", number(profile, "id"), text(profile, "uuid"),
	       text(profile, "status"));
	json_array_foreach(json_object_get(data, "identities"), i, entry)
		printf("identity %s %s%s\n", text(entry, "namespace"), text(entry, "subject"),
		       if_true(entry, "verified", "", ", not verified"));
	json_array_foreach(json_object_get(data, "sessions"), i, entry) {
		printf("session %s, %s", text(entry, "session_id"), text(entry, "platform"));
		show_time(", last active ", entry, "last_active_at");
		(void)putchar('\n');
	}
}

void show_key(const json_t *data)
{
	printf("new key %s; it signs after its lead\n", text(data, "kid"));
}

void show_outbox(const json_t *data)
{
	const json_t *entry;
	size_t i;

	json_array_foreach(data, i, entry) {
		show_time("", entry, "at");
		printf("  %-16s %-10s %s", text(entry, "to"), text(entry, "purpose"),
		       text(entry, "code"));
		if (json_object_get(entry, "link"))
			printf(" %s", text(entry, "link"));
		(void)putchar('\n');
	}
}

void show_routes(const json_t *data)
{
	const json_t *entry;
	size_t i;

	json_array_foreach(data, i, entry)
		printf("%-7s %-45s %-12s %-12s %s\n", text(entry, "method"), text(entry, "path"),
		       text(entry, "permission"), text(entry, "instance"), text(entry, "summary"));
}
