/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host for tests of one plugin: opens build/plugins/<name>.so with options given as text, answers the
 * services that need no call, and lets the test run the loop, the timers and the periodic work.
 */
#ifndef FAKE_HOST_H
#define FAKE_HOST_H

#include <pintle/plugin.h>
#include <stdbool.h>

struct fake_host;

/* A fresh folder under the system's temporary one, and its removal with all that is in it. */
char *fake_dir_new(void);
void fake_dir_free(char *dir);

/* dir is borrowed. Plugins get their state there. */
struct fake_host *fake_host_new(const char *dir);
void fake_host_free(struct fake_host *host);
const struct pintle_host *fake_host_table(const struct fake_host *host);
struct pintle_inst *fake_host_inst(struct fake_host *host);

/* The descriptor in build/plugins/<name>.so; fails the test when there is none. */
const struct pintle_plugin *fake_plugin_load(const char *name);
/* Opens an instance with "key", "value", …, NULL over the defaults of the plugin's options. NULL
 * when it refuses; the reason is then in fake_host_reason. */
void *fake_plugin_open(struct fake_host *host, const struct pintle_plugin *plugin,
		       const char *const *options);
const char *fake_host_reason(const struct fake_host *host);

/* Moves the wall clock of all fake hosts. */
void fake_clock_move(int64_t ms);
/* Runs what is ready on watched descriptors; waits up to wait_ms for the first. */
int fake_host_poll(struct fake_host *host, int wait_ms);
/* One turn of the loop: waits up to wait_ms for a descriptor or a timer, and runs those that are ready
 * and what recurs and is due. */
void fake_host_turn(struct fake_host *host, int wait_ms);
/* Runs each periodic function once. */
void fake_host_tick(struct fake_host *host);
/* Lines logged at level so far, and the text of the last line, lent until it is asked for again. */
int fake_host_logged(struct fake_host *host, int32_t level);
const char *fake_host_last_line(struct fake_host *host);

#endif
