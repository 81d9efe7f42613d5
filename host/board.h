/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shared memory of supervisor and workers, mapped before the first fork: who is alive, which plugin
 * each thread is in, who is quarantined, what was counted. Counters only grow and outlive a worker, so
 * that any worker can answer for all. All access is by atomics; nothing here waits.
 */
#ifndef BOARD_H
#define BOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOARD_WORKERS 64 /* live and draining */
#define BOARD_INSTANCES 64
#define BOARD_ROUTES 256
#define BOARD_NO_ROUTE (BOARD_ROUTES - 1) /* requests of no known route */
#define BOARD_METHOD_MAX 8
#define BOARD_PATH_MAX 128
#define BOARD_NAME_MAX 48
#define BOARD_BUCKETS 12
#define BOARD_STATUSES 27
#define BOARD_COUNTERS 64
#define BOARD_OUTCOMES 4
#define BOARD_MESSAGES 256 /* gateway x country x template */
#define BOARD_MESSAGE_OTHER (BOARD_MESSAGES - 1)
#define BOARD_FATES 6
#define BOARD_ENTRY_BUCKETS 8
#define BOARD_THREADS 1024 /* of a worker that are looked after */
#define BOARD_ERR_MAX 1024

enum board_worker_state { BOARD_FREE, BOARD_STARTING, BOARD_SERVING, BOARD_DRAINING };

/* What a worker left behind about its own end. */
struct board_fault {
	_Atomic int32_t signal;   /* 0: none; -1: exit() inside an op; -2: an op did not return */
	_Atomic int32_t instance; /* index, -1: no plugin was running */
	char op[16];
};

struct board_route {
	_Atomic uint64_t by_status[BOARD_STATUSES];
	_Atomic uint64_t by_latency[BOARD_BUCKETS + 1];
	_Atomic uint64_t latency_us;
};

/* Written by its worker only. */
struct board_worker {
	_Atomic int32_t pid, state, generation, n_restarts;
	_Atomic int64_t beat_ms; /* monotonic: its loop turned; 0: not yet */
	struct board_fault fault;
	_Atomic uint64_t unopened; /* a bit for each instance that is not open here */
	struct board_route routes[BOARD_ROUTES];
	_Atomic uint64_t counters[BOARD_COUNTERS]; /* see metrics.h */
	_Atomic int64_t gauges[BOARD_COUNTERS];
	_Atomic uint64_t outcomes[BOARD_INSTANCES][BOARD_OUTCOMES];
};

/* One name for the life of the supervisor, whatever is reloaded. */
struct board_instance {
	char name[BOARD_NAME_MAX];
	_Atomic int32_t is_quarantined, n_kills;
	_Atomic int32_t ends_at_load; /* in quarantine, and loading its plugin ended a worker */
	int64_t kills_ms[3];          /* the supervisor's */
};

/* The same, for what the numbers of a route are kept under. */
struct board_route_name {
	_Atomic uint64_t key; /* 0: free */
	_Atomic int32_t is_named;
	char method[BOARD_METHOD_MAX], path[BOARD_PATH_MAX];
};

/* The same, for what became of the messages of one gateway to one country by one template. All workers
 * write it: messages are few. */
struct board_message {
	_Atomic uint64_t key; /* 0: free */
	_Atomic int32_t is_named;
	char gateway[BOARD_NAME_MAX + 1], country[4], template_name[BOARD_NAME_MAX + 1];
	_Atomic uint64_t by_fate[BOARD_FATES];
	_Atomic uint64_t by_entry[BOARD_ENTRY_BUCKETS + 1], entry_ms;
};

struct board {
	_Atomic int32_t supervisor_pid, generation, n_workers, is_stopping;
	_Atomic int64_t start_ms, shift_ms;
	_Atomic uint32_t n_reloads; /* finished, good or bad */
	_Atomic int32_t is_last_reload_good;
	char last_reload[BOARD_ERR_MAX];
	_Atomic int32_t n_instances;
	struct board_instance instances[BOARD_INSTANCES];
	struct board_route_name route_names[BOARD_ROUTES];
	struct board_message messages[BOARD_MESSAGES];
	struct board_worker workers[BOARD_WORKERS];
};

struct board *board_new(void); /* zeroed; NULL without memory */
void board_free(struct board *board);
/* The index of a name, made when new; -1 when the board is full. Supervisor only. */
int board_instance(struct board *board, const char *name);
int board_find_instance(const struct board *board, const char *name);
/* [any] Whether an instance is in quarantine, or a worker that serves began without it. */
bool board_is_kept_out(const struct board *board, int index);
/* [any] The index of a route, made when new; BOARD_NO_ROUTE when the board is full or path too long. */
int board_route(struct board *board, const char *method, const char *path);
/* [any] The slot of these labels, made when new; the one for all others when the board is full. */
struct board_message *board_message(struct board *board, const char *gateway, const char *country,
				    const char *template_name);

/*
 * Breadcrumbs: which plugin this thread is in. Set around every plugin op. When the process dies of a
 * fatal signal or exit() inside one, board_watch_faults has written it into the worker's slot.
 */
struct breadcrumb {
	int instance;
	const char *op;
	int64_t since_ms; /* monotonic */
};

struct breadcrumb breadcrumb_enter(int instance, const char *op); /* returns the one before */
void breadcrumb_leave(struct breadcrumb before);
/* [any] The crumb of the index-th thread that ever entered an op, for whoever looks for ops that do not
 * return: BOARD_ENDED behind the last one, BOARD_IDLE when it is in none. */
enum board_thread { BOARD_IN_OP, BOARD_IDLE, BOARD_ENDED };
enum board_thread breadcrumb_of_thread(size_t index, struct breadcrumb *out);
/* Installs the handlers for this process and this thread. */
void board_watch_faults(struct board_worker *self);
/* [any], also in a signal handler. Why this worker is about to end; the first note stays. cause is as
 * board_fault.signal; instance -1: no plugin. */
void board_note_fault(struct board_worker *self, int32_t cause, int instance, const char *op);
/* Each thread that runs plugin code: an alternate stack, so that a stack overflow is seen too. */
void board_watch_thread(void);

#endif
