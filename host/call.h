/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call: one op of one instance in flight for one request. It outlives the request's answer when the op
 * does not return in time: then it is orphaned, every service answers TIMEOUT, and it is freed when the
 * op comes back.
 */
#ifndef CALL_H
#define CALL_H

#include "flow.h"
#include "instance.h"
#include "message.h"
#include "request.h"

#include <pthread.h>
#include <stdatomic.h>

typedef void call_then(struct pintle_call *call, int32_t status);

/* What an op said so far. Texts are in the call's arena. */
struct call_outcome {
	const char *ns, *subject; /* proved identity, or NULL */
	int64_t account_id;       /* or: proved for this account */
	json_t *claims;           /* owned; object */
	json_t *data;             /* owned; object */
	const char *detail;
	struct limit_hit limit;
	const char *target_ns, *target;
};

struct pintle_call {
	struct pintle_inst *inst;
	struct host *host;
	struct request *request;
	struct arena
		arena;  /* alloc() and what getters return; own, since it may outlive the request */
	const char *op; /* "begin" … */
	int32_t purpose;
	bool has_flow; /* verify of a flow; its try was taken */
	struct flow flow;
	struct call_outcome outcome;
	struct tx tx;
	struct message *messages; /* to be queued when the op ended OK */
	call_then *then;
	void *then_arg;
	pthread_mutex_t lock; /* guards state */
	int state;            /* call.c's */
	_Atomic int n_refs;
	_Atomic bool is_orphan;
	int64_t deadline_ms;
};

/* [worker] A call for request on inst, one reference. */
struct pintle_call *call_new(struct request *request, struct pintle_inst *inst, const char *op,
			     int32_t purpose);
void call_ref(struct pintle_call *call);
void call_unref(struct pintle_call *call); /* NULL is fine */
/*
 * [worker] Runs the op with its breadcrumb. then is called exactly once with the final status: on this
 * thread before call_run returns, or later on a worker thread after PENDING. An open transaction is
 * rolled back first. Not called when the call was orphaned.
 */
void call_run(struct pintle_call *call, pintle_op *op, call_then *then, void *arg);
/* [worker] The same, waiting for the end: for an op inside an op. */
int32_t call_run_and_wait(struct pintle_call *call, pintle_op *op);
/* [loop] The deadline has passed: the request is answered by somebody else. */
void call_orphan(struct pintle_call *call);
/* [any] The ABI's done(). */
void call_done(struct pintle_call *call, int32_t status);

/* The table handed to plugins (services_*.c fill it). */
const struct pintle_host *services(void);

#endif
