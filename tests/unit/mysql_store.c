/* SPDX-License-Identifier: Apache-2.0 */
#include "mysql_store.h"

#include <dirent.h>
#include <pintle/status.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MAX_OPTIONS 32

static void fail_program(const char *what)
{
	(void)fprintf(stderr, "%s\n", what);
	exit(1);
}

static void read_line(struct mysql_server *server, const char *line)
{
	(void)sscanf(line, "port=%d", &server->port);
	(void)sscanf(line, "pid=%d", &server->pid);
	(void)sscanf(line, "socket=%127s", server->socket);
}

void mysql_server_start(struct mysql_server *server, const char *options)
{
	char command[512], line[256];
	FILE *told;

	if (!server->dir)
		server->dir = fake_dir_new();
	(void)snprintf(
		command, sizeof(command),
		"PRIVATE_OWNER=%d; export PRIVATE_OWNER; exec sh scripts/mariadb.sh start %s %s",
		(int)getpid(), server->dir, options);
	told = popen(command, "re");
	while (told && fgets(line, sizeof(line), told))
		read_line(server, line);
	if (!told || pclose(told) != 0)
		fail_program("scripts/mariadb.sh does not start a server");
}

void mysql_server_stop(struct mysql_server *server)
{
	char command[256];

	(void)snprintf(command, sizeof(command), "exec sh scripts/mariadb.sh stop %s", server->dir);
	if (system(command) != 0)
		fail_program("scripts/mariadb.sh does not stop the server");
	server->pid = 0;
}

void mysql_server_free(struct mysql_server *server)
{
	if (server->pid != 0)
		mysql_server_stop(server);
	fake_dir_free(server->dir);
	*server = (struct mysql_server){ 0 };
}

/* Those of given come first, for the first one found is taken. */
static bool open_with(struct mysql_store *store, const char *const *given)
{
	const char *all[MAX_OPTIONS] = { NULL };
	char port[8];
	const char *const own[] = { "host",   "127.0.0.1", "port",   port,       "user",
				    "pintle", "password",  "pintle", "database", store->name };
	size_t n = 0;

	(void)snprintf(port, sizeof(port), "%d", store->server->port);
	for (; given && given[n]; n++)
		all[n] = given[n];
	memcpy(all + n, own, sizeof(own));
	store->dir = fake_dir_new();
	store->host = fake_host_new(store->dir);
	store->plugin = fake_plugin_load("db_mysql");
	store->db.ops = store->plugin->db;
	store->db.self = fake_plugin_open(store->host, store->plugin, all);
	return store->db.self != NULL;
}

void mysql_store_close(struct mysql_store *store)
{
	if (store->db.self)
		store->plugin->close(store->db.self);
	fake_host_free(store->host);
	fake_dir_free(store->dir);
	store->host = NULL;
	store->dir = NULL;
	store->db.self = NULL;
}

static bool is_thread_stopped(pid_t pid, const char *thread)
{
	char path[64], text[256] = "";
	const char *after_name;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%.16s/stat", (int)pid, thread);
	file = fopen(path, "re");
	if (!file)
		return true; /* it has just ended */
	(void)!fgets(text, sizeof(text), file);
	(void)fclose(file);
	after_name = strrchr(text, ')');
	return after_name && after_name[1] == ' ' && after_name[2] == 'T';
}

/* The signal is on its way when kill returns: some threads go on for a moment. */
void mysql_server_freeze(const struct mysql_server *server)
{
	char path[64];
	bool is_stopped = false;

	(void)kill(server->pid, SIGSTOP);
	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)server->pid);
	while (!is_stopped) {
		DIR *threads = opendir(path);
		struct dirent *entry;

		is_stopped = true;
		while ((entry = readdir(threads)))
			if (entry->d_name[0] != '.' &&
			    !is_thread_stopped(server->pid, entry->d_name))
				is_stopped = false;
		(void)closedir(threads);
	}
}

void mysql_server_thaw(const struct mysql_server *server)
{
	(void)kill(server->pid, SIGCONT);
}

void mysql_server_tell(const struct mysql_server *server, const char *sql)
{
	char command[512];

	(void)snprintf(command, sizeof(command),
		       "exec mariadb --no-defaults --user=root --socket=%s --execute=\"%s\"",
		       server->socket, sql);
	if (system(command) != 0)
		fail_program(sql);
}

bool mysql_store_open(struct mysql_store *store, const struct mysql_server *server,
		      const char *const *options)
{
	static int n_made;
	char sql[80];

	*store = (struct mysql_store){ .server = server };
	(void)snprintf(store->name, sizeof(store->name), "test_%d", ++n_made);
	(void)snprintf(sql, sizeof(sql), "CREATE DATABASE %s", store->name);
	mysql_server_tell(server, sql);
	return open_with(store, options);
}

bool mysql_store_beside(struct mysql_store *store, const struct mysql_store *first,
			const char *const *options)
{
	*store = (struct mysql_store){ .server = first->server };
	memcpy(store->name, first->name, sizeof(store->name));
	return open_with(store, options);
}

bool mysql_store_again(struct mysql_store *store)
{
	return open_with(store, NULL);
}

int mysql_store_setup(void **state)
{
	const struct mysql_server *server = *state;
	struct mysql_store *store = calloc(1, sizeof(*store));

	*state = store;
	if (!mysql_store_open(store, server, NULL))
		return -1;
	db_test_make_table(&store->db);
	return 0;
}

int mysql_store_teardown(void **state)
{
	mysql_store_close(*state);
	free(*state);
	return 0;
}

struct pintle_tx *mysql_store_begin(const struct mysql_store *store)
{
	struct pintle_tx *tx = NULL;

	assert_int_equal(store->db.ops->begin(store->db.self, DB_TEST_MS, &tx), PINTLE_OK);
	return tx;
}

int mysql_store_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(folder))
		n++;
	(void)closedir(folder);
	return n;
}
