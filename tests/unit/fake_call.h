/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls for tests of one plugin's ops: the request's fields come from a table, what the op says is kept
 * for the test to read, and the world outside answers as told. For one thread.
 */
#ifndef FAKE_CALL_H
#define FAKE_CALL_H

#include "arena.h"

#include <pintle/plugin.h>
#include <stdbool.h>

#define FAKE_TEXT_MAX 1024

struct pintle_inst {
	const char *dir;
	bool is_production;
};

struct pintle_call {
	struct arena arena;
	const char *const *fields; /* "name", "value", …, NULL; lent */
	const char *lang;          /* NULL: "en" */
	int32_t purpose;

	/* What the op said. */
	char kept[FAKE_TEXT_MAX];    /* name=value; … */
	char subject[FAKE_TEXT_MAX]; /* ns subject */
	char target[FAKE_TEXT_MAX];
	char wrong[FAKE_TEXT_MAX]; /* field reason */
	char data[FAKE_TEXT_MAX];  /* name=value; … */
	char detail[FAKE_TEXT_MAX];
	char sent[FAKE_TEXT_MAX]; /* group to template text */
	char subject_sent[256], html[FAKE_TEXT_MAX];
	char code[32];               /* variable "code" of what was sent */
	char request[FAKE_TEXT_MAX]; /* method url\nheaders\n\nbody */

	/* What the world answers. */
	int32_t target_status, send_status, http_status, http_code;
	const char *http_body;
};

/* What plugins are opened with; a test may add the services its plugin needs besides. */
struct pintle_host *fake_call_table(void);
/* The same person comes back with other fields: what was kept stays, the rest is forgotten. */
void fake_call_again(struct pintle_call *call, const char *const *fields);
void fake_call_fini(struct pintle_call *call);

/* An instance of build/plugins/<name>.so with "key", "value", …, NULL over its defaults, bound as the
 * host does it; NULL when it refuses, then reason says why. */
struct fake_plugin {
	const struct pintle_plugin *desc;
	void *conf, *self;
	char reason[FAKE_TEXT_MAX];
};

void fake_plugin_init(struct fake_plugin *plugin, const char *name, struct pintle_inst *inst,
		      const char *const *options);
void fake_plugin_fini(struct fake_plugin *plugin);

#endif
