/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world a plugin sees here: what a case has set up, what the services answer, and what the op under
 * check has said. One world, one story, one thread at a time; an instance may serve several worlds.
 */
#ifndef WORLD_H
#define WORLD_H

#include "cases.h"
#include "db.h"
#include "kv_memory.h"
#include "lent.h"
#include "opt.h"
#include "plugin.h"

#include <limits.h>
#include <pthread.h>

/* What is not as usual in one run of a story. */
enum twist_kind {
	TWIST_NONE,
	TWIST_FAULT,   /* service call number at of the step fails */
	TWIST_LATE,    /* from that one on the deadline has passed */
	TWIST_REFUSED, /* allocation number at of the plugin gets nothing */
	TWIST_FIELD,   /* field number at of the step is value; NULL: absent */
	TWIST_ANSWER   /* HTTP answer number at of the step is value */
};

struct twist {
	enum twist_kind kind;
	size_t step; /* of the play */
	int64_t at;  /* from 1 */
	const char *value;
	/* What came of it. */
	bool has_come;
	char service[32]; /* the service that failed */
	int nth;          /* among those of its name in the step */
};

#define WORLD_ANSWERS 16

/* The driver of the tree, open on one folder. */
struct driver {
	struct db db; /* self NULL: not open */
	struct pintle_inst *inst;
	void *conf;
};

struct world {
	const char *template_dir; /* a migrated database to copy; made when first needed */
	const struct plugin *plugin;
	char dir[PATH_MAX];
	struct kv_memory *kv;
	struct driver driver;  /* opened when first needed */
	struct pairs accounts; /* name: id */
	int64_t user;
	struct pairs kept;
	struct pairs tickets; /* of the flow: "once" or "" */
	char state[16];       /* of the flow */
	size_t n_secret_names;
	struct pairs seen; /* all the ops of the story have said, for $name */
	struct {
		int32_t status, code;
		const char *body;
		int64_t max_age_ms;
	} answers[WORLD_ANSWERS];
	size_t n_answers, n_answered; /* of the op that runs */
	bool answers_are_old;         /* an op has had them */
	int32_t prove_status;
	const char *prove_ns, *prove_subject;
	struct pairs secrets; /* what must not stand in a log: value, and where it is from */
	struct twist *twist;  /* of the step that runs; NULL */
	struct pairs n_calls; /* of each service in the step that runs */
	int64_t n_services;
};

struct pintle_inst {
	char name[48];
	char dir[PATH_MAX];
	const struct plugin *plugin;
	void *conf, *self;
	struct pintle_plain plain; /* self of a plugin without open */
	bool is_opening, is_open;
	struct pairs secrets; /* of its options */
	struct pairs named;   /* the namespaces it has said to be its own */
	struct pairs vouched; /* and those it vouches for */
};

/* Which flow an op of the callback's kind has opened. */
enum call_flow { FLOW_NONE, FLOW_TO_READ, FLOW_TO_CHANGE };

enum call_state { CALL_RUNNING, CALL_PENDING, CALL_OVER };

struct pintle_call {
	struct world *world;
	struct pintle_inst *inst;
	struct lent lent;
	const char *op;
	int32_t purpose;
	const struct pairs *fields;
	struct tx tx;
	struct pairs said; /* target, subject, data.x, sent.to … */
	bool has_target;
	enum call_flow flow;
	pthread_mutex_t mutex; /* guards what follows */
	enum call_state state;
	int n_done;
	int32_t done_status;
};

void world_init(struct world *world, const struct plugin *plugin, const char *template_dir);
void world_fini(struct world *world);
/* The database with the schema of the host and of the plugin in it. */
struct db *world_db(struct world *world);
/* A folder of its own below the first one, and the removal of one with all in it: the first is removed at
 * the end, with what stages that crashed have left. */
void world_make_dir(char out[PATH_MAX]);
void world_remove_dir(const char *dir);
/* Milliseconds the wall clock is ahead; all worlds share it. */
void world_move_clock(int64_t ms);

/* What open() and the ops are given. */
const struct pintle_host *services(void);
void services_fill_call(struct pintle_host *table);
void services_fill_outcome(struct pintle_host *table);
void services_fill_flow(struct pintle_host *table);
void services_fill_store(struct pintle_host *table);
void services_fill_world(struct pintle_host *table);
void services_fill_inst(struct pintle_host *table);

/* Whether it may name somebody in ns; and whether it may beside that one. */
bool inst_owns(const struct pintle_inst *inst, const char *ns);
bool inst_vouches(const struct pintle_inst *inst, const char *ns);

/* Around every service that can fail: enter says whether it does, leave hands its status on. */
int32_t service_enter(struct pintle_call *call, const char *service);
int32_t service_leave(int32_t status);
/* Breaks D01 and answers true when the call has ended. */
bool service_is_late(struct pintle_call *call, const char *service);
/* The call the plugin is in on this thread, for services without one; NULL. */
struct pintle_call *service_call(void);
void service_set_call(struct pintle_call *call);
/* A text of the plugin for name of the outcome: kept for the expectations. */
void call_say(struct pintle_call *call, const char *name, const char *text);
/* The same for "group.name". */
void call_say_part(struct pintle_call *call, const char *group, const char *name, const char *text);
/* Breaks X02 and answers false when a text that must be there is NULL or not UTF-8. */
bool call_text_ok(struct pintle_call *call, const char *service, const char *text);

#endif
