/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call: one op of one instance in flight. What the op says is collected in the outcome; what it may do
 * is the services of services.h. When its deadline has passed every service answers TIMEOUT, so that
 * nothing is done late.
 */
#ifndef CALL_H
#define CALL_H

#include "account.h"
#include "arena.h"
#include "db.h"
#include "flow.h"
#include "instance.h"
#include "limit.h"
#include "message.h"
#include "page.h"
#include "ticket.h"

#include <jansson.h>
#include <pintle/host.h>
#include <stdatomic.h>
#include <stdbool.h>

struct request;
struct call_waiter;

#define CALL_OTHERS_MAX 3 /* identities of one person besides the first */

struct named_identity {
	const char *ns, *subject;
};

/* How an op that is not its opener's has the flow of a call. */
enum call_flow { CALL_FLOW_NONE, CALL_FLOW_TO_READ, CALL_FLOW_TO_CHANGE };

#define CALL_TICKETS 4 /* an op may make */

typedef void call_then(struct pintle_call *call, int32_t status);

/* What an op said so far. Texts are in the call's arena. */
struct call_outcome {
	const char *ns, *subject;                      /* proved identity, or NULL */
	struct named_identity others[CALL_OTHERS_MAX]; /* of the same person */
	size_t n_others;
	int64_t account_id; /* or: proved for this account */
	json_t *claims;     /* owned; object */
	json_t *data;       /* owned; object */
	json_t *fields;     /* owned; [{field, reason}] of invalid() */
	bool has_bad_type;  /* a field of the wrong type was read: nothing may follow */
	const char *denied; /* error name of a DENIED that came from a nested proof; or NULL */
	const char *detail;
	struct limit_hit limit;
	bool has_sent;                  /* or would have, to a test number */
	const char *charged;            /* whom an upstream sends a code to, counted; or NULL */
	const char *target_ns, *target; /* as the op named it */
	const char *counted_ns,
		*counted; /* what tries are counted for: the account, where there is one */
	const char *sought_ns, *sought; /* what this account was looked for by */
	struct account counted_account; /* id 0: a stranger */
	int64_t created_id;             /* the account this call has made, 0: none */
	struct page page;               /* in place of data, when its status is not 0 */
	const char *remembered;         /* what the browser shall bring along; or NULL */
};

struct pintle_call {
	struct host *host;
	struct pintle_inst *inst;
	struct request *request; /* NULL: a message being sent */
	struct arena arena;
	const char *op; /* "begin" … */
	int32_t purpose;
	int64_t begun_ms; /* by the wall clock */
	bool has_flow;    /* its try was taken by the host */
	struct flow flow;
	enum call_flow opened;        /* by a ticket or its id, see waiting.h */
	enum flow_state state_before; /* of the flow, when it was opened */
	struct ticket tickets[CALL_TICKETS];
	size_t n_tickets;
	struct call_outcome outcome;
	struct tx tx;
	struct message_list sent; /* given back when nobody has queued them before the call ends */
	struct message *lent;     /* the one that a send op is about; owned */
	int64_t deadline_ms;      /* monotonic */
	call_then *then;
	struct call_waiter *waiter; /* somebody waits for the end of this one */
	bool is_recording;          /* the provider's record runs: the transaction is the host's */
	bool has_changed;           /* something is committed: an error undoes it no more */
	bool is_waited_for;         /* by another op or a message, not by a request */
	_Atomic bool is_inside;     /* a transaction that the op began */
	bool was_abandoned;         /* by who waited for it */
	bool was_pending;           /* done() may still come */
	_Atomic int n_holders;      /* the host, and an op that promised done() */
	_Atomic int state;          /* call.c's */
	int32_t status;             /* what done() said */
	struct pintle_call *next;   /* limbo.c's */
};

/* [worker] A call for request (may be NULL) on inst, which it holds until it is freed. */
struct pintle_call *call_new(struct host *host, struct request *request, struct pintle_inst *inst,
			     const char *op, int32_t purpose);
/* [any] NULL is fine. What an op that is late was lent lives on until its done(). */
void call_free(struct pintle_call *call);
/*
 * [worker] Runs op. then is called exactly once with the final status: on this thread before call_run
 * returns, or on a worker thread after PENDING; never when the call was abandoned. Touch neither call
 * nor request after call_run.
 */
void call_run(struct pintle_call *call, pintle_op *op, call_then *then);
/* [worker] The same, waiting for the end: for an op inside an op. The call is the caller's after it, but
 * for what the op said: see call_said. */
int32_t call_run_and_wait(struct pintle_call *call, pintle_op *op);
/* [worker] The outcome after call_run_and_wait. Empty when the op was late: it may go on saying things. */
const struct call_outcome *call_said(const struct pintle_call *call);
/* [worker] The provider's record, if it has one, inside the call's transaction. */
int32_t call_record(struct pintle_call *call, int64_t account_id, bool is_bound);
/* [loop] Gives up an op that promised done() and did not keep it; true: nobody will finish request. */
bool call_abandon(struct request *request);
/* [any] The ABI's done(). Late and repeated ones are counted and dropped. */
void call_done(struct pintle_call *call, int32_t status);
/* The ABI's invalid(): names a field once, with its first reason. Returns PINTLE_INVALID. */
int32_t call_invalid(struct pintle_call *call, const char *field, const char *reason);
/* Whether nothing may be done any more, and the status that says so; OK otherwise. */
int32_t call_gate(const struct pintle_call *call);
/* [any] Gives back what was counted for the messages the op has sent so far: they go nowhere. */
void call_lose_messages(struct pintle_call *call);

#endif
