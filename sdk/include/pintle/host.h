/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host does for a plugin. The table is handed to open() and lives as long as the process.
 *
 * Words: an *instance* is one section of conf.d, a *call* is one operation in flight on it, an
 * *account* is a person, an *identity* is a (namespace, subject) that leads to an account.
 *
 * Unless said otherwise: [worker] functions may block and are called from inside an op on its own
 * thread, or after PENDING from one thread at a time. Strings are NUL-terminated UTF-8. What a getter
 * returns is lent until the call ends, also after PENDING. Setters copy. Anything returning int32_t
 * returns a status of status.h; after the call's deadline every service answers PINTLE_TIMEOUT.
 */
#ifndef PINTLE_HOST_H
#define PINTLE_HOST_H

#include "status.h"
#include "store.h"

#ifdef __cplusplus
extern "C" {
#endif

struct pintle_call;
struct pintle_inst;

typedef int32_t pintle_op(void *self, struct pintle_call *call);

#define PINTLE_HTTP_ONCE 1u /* on a fresh connection: sent once, whatever happens to it */

/* An outgoing HTTP request. TLS is always verified; redirects are never followed. */
struct pintle_request {
	uint32_t size;
	uint32_t flags;
	const char *method; /* NULL: POST with a body, else GET */
	const char *url;
	const char *const *headers; /* "Name: value", NULL-terminated; may be NULL */
	const void *body;
	size_t body_len;
	int64_t timeout_ms;  /* at most what is left of the call; 0: that */
	int64_t max_answer;  /* bytes; 0: 64 KiB; more is TIMEOUT: what it did is unclear */
	const char *ca_file; /* NULL: the system's */
};

/* body is NUL-terminated and lent until the call ends. */
struct pintle_answer {
	uint32_t size;
	int32_t code; /* HTTP status */
	const char *body;
	size_t body_len;
	int64_t max_age_ms; /* how long Cache-Control lets one keep it; 0: not said, or not at all */
};

/* The message tells its reader what has become of something of theirs, and carries no code. Send it once that
 * has been proved, and never for the asking: it is counted by a budget of its own, so that it comes
 * whatever has been sent there before. */
#define PINTLE_MESSAGE_NOTICE 1u

/* A message to a person. template names it in the gateway's own list; vars are "name", "value", …,
 * NULL. to is a canonical identifier. text and html are the whole body for gateways without
 * templates; html and subject may be NULL. */
struct pintle_message {
	uint32_t size;
	int32_t purpose;
	const char *to;
	const char *template_name;
	const char *const *vars;
	const char *subject;
	const char *text;
	const char *html;
	const char *lang; /* "zh" or "en" */
	uint32_t flags;   /* PINTLE_MESSAGE_NOTICE or 0 */
};

/* A gateway's last word on one message. */
struct pintle_receipt {
	uint32_t size;
	int32_t is_delivered;    /* 0: it was lost */
	const char *upstream_id; /* as send() has set it */
	const char *reason;      /* the gateway's code for it, at most 64 bytes; may be NULL */
	int64_t cost_units;      /* 0: not said */
};

enum pintle_account_status { PINTLE_ACTIVE, PINTLE_FROZEN, PINTLE_DELETED };

struct pintle_account {
	uint32_t size;
	int32_t status;
	int64_t id;
	char uuid[40];
};

/* What link, account_create and account_find answer about. */
struct pintle_identity {
	uint32_t size;
	int32_t is_verified;
	const char *ns;      /* "phone", "username", "oidc:<issuer>" … */
	const char *subject; /* canonical */
};

#define PINTLE_NO_BEGIN 1u /* programs bring it what verify needs: its begin is not offered */

/* What an instance says of itself. */
struct pintle_description {
	uint32_t size;
	uint32_t flags;
	/* The namespaces whose identities are its own: "oidc:https://id.example". NULL-terminated; each is
	 * one, without *, that the provider's namespaces take. NULL or none: the provider's. */
	const char *const *namespaces;
	const char *label_zh, *label_en; /* NULL: the provider's; the section's options win */
	/* Exact namespaces of others that also() may name as well: "email", where the upstream proves
	 * addresses and the operator wants that. subject() may not. NULL-terminated; may be NULL. */
	const char *const *vouches;
};

typedef void pintle_fd_cb(void *arg, int fd, uint32_t events);
typedef void pintle_timer_cb(void *arg);
#define PINTLE_FD_READ 1u
#define PINTLE_FD_WRITE 2u

#define PINTLE_TICKET_ONCE 1u   /* whoever opens the flow by it first has taken it */
#define PINTLE_TICKET_BESIDE 2u /* verify does not wait: it has a proof of its own as well */

struct pintle_host { /* append only */
	uint32_t size, abi;

	/* ---- The request ---- */

	/* A text field of the body (JSON or form) or, for GET and DELETE, the query. NULL when absent, not a
	 * text, or with a NUL inside. A field of the wrong type has been refused already where the route
	 * declares its fields. */
	const char *(*field)(struct pintle_call *, const char *name);
	/* Any field as JSON text; NULL when absent. */
	const char *(*field_json)(struct pintle_call *, const char *name, size_t *len_out);
	const void *(*body)(struct pintle_call *, size_t *len_out);
	const char *(*header)(
		struct pintle_call *,
		const char *name); /* in lower case; NULL when absent or given twice */
	const char *(*param)(struct pintle_call *,
			     const char *name);      /* {name} of the route's path */
	const char *(*client)(struct pintle_call *); /* address of the client, as text */
	const char *(*lang)(struct pintle_call *);   /* "zh" or "en" */
	int32_t (*purpose)(struct pintle_call *);
	int64_t (*user)(struct pintle_call *); /* account signed in; 0: nobody */

	/* The one spelling of an identifier: kind "phone" (E.164), "email", "username". NULL when text is
	 * NULL or is none. */
	const char *(*canonical)(struct pintle_call *, const char *kind, const char *text);

	/* ---- The flow ---- */

	/* Names whom this op is about, before anything is compared or sent. In begin: the address of the
	 * flow; a newer flow of the same target, purpose and instance replaces the older one. In a verify
	 * without flow: takes one try from that target's budget, which success gives back. In both LIMITED
	 * when the budget is spent, FORBIDDEN when this one may not have that purpose; return it.
	 * A flow's verify needs no call: the host took the try. */
	int32_t (*target)(struct pintle_call *, const char *ns, const char *subject);
	/* Values begin keeps for verify, on whatever worker that runs. At most 4 KiB in all. */
	int32_t (*keep)(struct pintle_call *, const char *name, const char *value);
	const char *(*kept)(struct pintle_call *, const char *name);

	/* ---- The outcome ---- */

	/* The proved identity. Its namespace must be declared by the plugin. The host finds or makes the
	 * account (verify), or adds the identity to the account signed in (bind). */
	int32_t (*subject)(struct pintle_call *, const char *ns, const char *subject);
	/* The proof was for an account that exists; instead of subject(). */
	int32_t (*account)(struct pintle_call *, int64_t account_id);
	/* A fact about the subject to keep with the identity: nickname, avatar, … */
	int32_t (*claim)(struct pintle_call *, const char *name, const char *value);
	/* Values for the answer's data. */
	int32_t (*set)(struct pintle_call *, const char *name, const char *value);
	int32_t (*set_int)(struct pintle_call *, const char *name, int64_t value);
	int32_t (*set_json)(struct pintle_call *, const char *name, const char *json);
	/* Says that a field is wrong and why, in a stable word: "required", "format", "too_short",
	 * "too_long", "too_weak", "not_allowed". Returns PINTLE_INVALID, to be returned. */
	int32_t (*invalid)(struct pintle_call *, const char *field, const char *reason);
	/* For the operator's log; the client never sees it. No secret, no number of a person. */
	void (*detail)(struct pintle_call *, const char *text);
	/* Zeroed memory that is wiped and freed when the call ends; NULL when there is none. */
	void *(*alloc)(struct pintle_call *, size_t len);
	/* [any] Ends an op that returned PENDING; exactly once. */
	void (*done)(struct pintle_call *, int32_t status);

	/* Runs the verify of the provider that owns namespace ns on this request's fields, for this call's
	 * purpose, and spends its flow: "the caller has just proved this phone". The canonical subject in
	 * subject_out. Check everything else first: a proof is spent even when the rest fails. */
	int32_t (*prove)(struct pintle_call *, const char *ns, const char **subject_out);

	/* ---- Accounts; inside db_begin and db_commit they belong to that transaction ---- */

	int32_t (*account_find)(struct pintle_call *, const struct pintle_identity *,
				struct pintle_account *out);
	/* CONFLICT when the identity belongs to somebody. */
	int32_t (*account_create)(struct pintle_call *, const struct pintle_identity *,
				  struct pintle_account *out);
	int32_t (*link)(struct pintle_call *, int64_t account_id, const struct pintle_identity *);
	int32_t (*unlink)(struct pintle_call *, int64_t account_id, const char *ns,
			  const char *subject);
	int32_t (*account_set_status)(struct pintle_call *, int64_t account_id, int32_t status);
	/* Ends all sessions of the account, except the caller's own when keep_own. Not inside a
	 * transaction. */
	int32_t (*revoke_sessions)(struct pintle_call *, int64_t account_id, int32_t keep_own,
				   const char *reason);

	/* ---- Stores ---- */

	/* One transaction a call at a time, ended by the host (rolled back) when the op forgets. No kv, http
	 * or send inside one. */
	int32_t (*db_begin)(struct pintle_call *);
	int32_t (*db_commit)(struct pintle_call *);
	void (*db_rollback)(struct pintle_call *);
	/* query->timeout_ms is ignored: the call's deadline holds. */
	int32_t (*db_query)(struct pintle_call *, const struct pintle_query *query);
	/* Keys live in a namespace of the instance. answer->value is lent until the call ends. */
	int32_t (*kv)(struct pintle_call *, const struct pintle_kv_request *,
		      struct pintle_kv_answer *out);

	/* ---- The world ---- */

	int32_t (*http)(struct pintle_call *, const struct pintle_request *,
			struct pintle_answer *out);
	/* Counts against the budgets (LIMITED: nothing is sent), and queues; delivered after the op ended OK
	 * and what it did is stored: a begin its flow, a verify the sign-in or the change. FORBIDDEN: no
	 * messages go to that country; say invalid() of the field.
	 * UNAVAILABLE when no gateway of the group is in rotation. */
	int32_t (*send)(struct pintle_call *, const char *group, const struct pintle_message *);
	int32_t (*publish)(struct pintle_call *, const char *event, const char *json);
	/* One line of the audit log. details is JSON without secrets, or NULL. */
	int32_t (*audit)(struct pintle_call *, const char *action, const char *target,
			 const char *details);

	/* ---- Secrets ---- */

	/* Encryption at rest, bound to label: open needs the same one. Text in, text out. */
	int32_t (*seal)(struct pintle_call *, const char *label, const char *plain,
			const char **sealed_out);
	int32_t (*open)(struct pintle_call *, const char *label, const char *sealed,
			const char **plain_out);
	/* Keyed hash of text under label: 64 hex digits, the same on every host. */
	const char *(*blind)(struct pintle_call *, const char *label, const char *text);
	/* Password hashing on the host's bounded threads. setting: "bcrypt:<cost>" or
	 * "argon2id:<KiB>:<passes>:<lanes>". INVALID when the scheme cannot take the secret whole. */
	int32_t (*hash)(struct pintle_call *, const char *setting, const char *secret,
			const char **hash_out);
	/* OK or DENIED. A NULL stored costs the same time and is DENIED. is_stale_out: right, but not made
	 * with setting. Foreign schemes of crypt(5) and of common frameworks are understood. */
	int32_t (*verify_hash)(struct pintle_call *, const char *setting, const char *secret,
			       const char *stored, int32_t *is_stale_out);
	/* [any] the rest of this block */
	int32_t (*random)(void *out, size_t len);                  /* INTERNAL: do not go on */
	int32_t (*random_digits)(char *out, size_t n_digits);      /* writes n_digits and a NUL */
	int32_t (*same)(const void *a, const void *b, size_t len); /* constant time; 1 when equal */
	void (*wipe)(void *ptr, size_t len);

	/* ---- Time, log, loop: [any] unless marked ---- */

	int64_t (*now_ms)(void);                  /* wall clock, Unix epoch */
	int64_t (*mono_ms)(void);                 /* never jumps */
	int64_t (*left_ms)(struct pintle_call *); /* until the call's deadline */
	void (*log)(struct pintle_inst *, int32_t level, const char *text);
	const char *(*inst_name)(struct pintle_inst *);
	const char *(*state_dir)(
		struct pintle_inst *); /* absolute; the instance may keep files in it */
	/* Whether this installation may reveal secrets to its operator: every listener is loopback, or
	 * server.mode is development. */
	int32_t (*is_development)(struct pintle_inst *);
	/* [loop] Calls cb on the loop while fd is ready. events 0 ends the watch; do that before close. */
	int32_t (*watch)(struct pintle_inst *, int fd, uint32_t events, pintle_fd_cb *cb,
			 void *arg);
	/* [any] Calls cb once on the loop after delay_ms. A timer cannot be cancelled: let cb look. */
	int32_t (*timer)(struct pintle_inst *, int64_t delay_ms, pintle_timer_cb *cb, void *arg);
	/* From open() only: calls cb on a worker thread every interval_ms, never twice at once. */
	int32_t (*every)(struct pintle_inst *, int64_t interval_ms, pintle_timer_cb *cb, void *arg);
	/* [worker], and from open(): the numeric addresses of name into out, best first, separated by a
	 * space, as many as fit. NOT_FOUND: there is no such name; TIMEOUT; UNAVAILABLE. */
	int32_t (*resolve)(struct pintle_inst *, const char *name, int64_t timeout_ms, char *out,
			   size_t out_len);

	/* ---- Flows that are finished elsewhere: links, redirects, pictures to scan ----
	 *
	 * Who opened the flow has its flow_id, which stands in no link, picture or state of an upstream.
	 * What stands there is a ticket. callback and ops of routes of its own open the flow by that ticket,
	 * look at the proof and note what they found with keep(), set_state() and grant(); these are stored
	 * when the op ends OK, unless another step has come between: then the answer is 409. They sign
	 * nobody in: subject() and account() are for verify, which the opener calls.
	 *
	 * Where the flow comes back to the browser it began in, use grant(): verify then needs the flow_id
	 * and the grant, so neither who opened the flow alone nor who landed alone gets in. Where another
	 * device finishes it there is no grant: show on that device what is being confirmed, and take only a
	 * tap for it, of the one device that has claimed the flow. */

	/* [any] server.public_url without a slash at its end, never from the request; NULL when none is
	 * set: an instance that makes links refuses to open then. */
	const char *(*public_url)(struct pintle_inst *);
	/* [any] How long a flow lives, for texts such as "valid for 5 minutes". */
	int64_t (*flow_ttl_ms)(struct pintle_inst *);
	/* A new public name of the flow: letters and digits, 128 bits and more. It is good when the op has
	 * ended OK, as long as the flow lives, in this instance. In begin, where it makes the flow wait:
	 * verify and bind of it answer {"status": "pending"} without running, and cost no try, until the
	 * state is "confirmed"; and after flow_by_ticket. NULL: none can be had; end in a fault. */
	const char *(*ticket)(struct pintle_call *, uint32_t flags);
	/* In callback and ops of own routes, once a call: opens the flow a ticket names. From then on kept(),
	 * purpose() and state() are the flow's. EXPIRED: unknown, taken, over, or of another instance. */
	int32_t (*flow_by_ticket)(struct pintle_call *, const char *ticket);
	/* The same by flow_id, which its opener alone has; to be read only, until flow_by_ticket is called
	 * as well. */
	int32_t (*flow_by_id)(struct pintle_call *, const char *flow_id);
	/* After flow_by_ticket, and in poll: "scanned", "confirmed" or "failed" (verify is then denied).
	 * CONFLICT when the flow has been decided before or would go back; return it. Told on the event
	 * bus. */
	int32_t (*set_state)(struct pintle_call *, const char *state);
	/* Of the flow, "pending" at first. */
	const char *(*state)(struct pintle_call *);
	/* After flow_by_ticket: a text that verify must be given in its field grant from now on. Hand it to
	 * the browser that is here and to nobody else, in a URL behind '#'. NULL when the flow has been
	 * decided before this call. */
	const char *(*grant)(struct pintle_call *);
	/* Where the browser shall go in the end: the URL in field when it is one of server.return_urls or a
	 * path of this server, public_url put before it; /login of this server when the field is absent.
	 * NULL after invalid(field, "not_allowed"): return PINTLE_INVALID. */
	const char *(*return_to)(struct pintle_call *, const char *field);
	/* In callback, receipt and ops of own routes, taking the place of the envelope when the op ends OK.
	 * The last one holds. redirect: 303 to an http or https URL or a path of this server, without a
	 * Referer. page: any body; one of type text/html may not run scripts, takes styles from
	 * /assets/page.css and images from this server, and posts forms to it. INTERNAL for what no header
	 * can hold. */
	int32_t (*redirect)(struct pintle_call *, const char *url);
	int32_t (*page)(struct pintle_call *, int32_t http_status, const char *content_type,
			const void *body, size_t len);

	/* After subject(), in verify and bind: another identity of the same proved person. The account is
	 * that of the first named identity that has one, and the others join it in the same transaction;
	 * one that belongs to another account stays there and is reported to staff (at bind: CONFLICT). A
	 * change swaps one identity for one: with another it is refused. */
	int32_t (*also)(struct pintle_call *, const char *ns, const char *subject);

	/* In begin, after target(): the code that the operator has set for this canonical number or address,
	 * to be kept instead of a random one; digits. send() takes its message and sends none. NULL for all
	 * others. */
	const char *(*fixed_code)(struct pintle_call *, const char *to);

	/* In receipt: what became of a message of this instance. It counts once, however often it comes.
	 * NOT_FOUND: no message of that id was sent through it, or not yet. */
	int32_t (*receipt)(struct pintle_call *, const struct pintle_receipt *);

	/* In begin, after target() and before an upstream is asked to make a code and send it to this
	 * canonical identifier: counts as send() counts, with the same answers, and sends nothing. A begin
	 * that then ends in anything but OK or TIMEOUT says that the upstream sent nothing either: its target
	 * may ask again at once. Who has a fixed_code() is sent none. */
	int32_t (*charge)(struct pintle_call *, const char *to);

	/* From open() only, on its thread: what this instance is; copied, the last one holds. A provider that
	 * declares "oidc:*" says by it which of them it proves as its options stand: no other identity is a way
	 * in by it, is taken away by its unbind (but for PINTLE_WHOLE), or may be named by its ops. Sections of
	 * one plugin may have a namespace in common: it is the same people then. INVALID: no exact namespace,
	 * or none the provider declares; CONFLICT: it belongs to a section of another plugin. The host tells
	 * the operator which; return the status. */
	int32_t (*describe_instance)(struct pintle_inst *, const struct pintle_description *);

	/* In callback and ops of own routes: a text that the browser which is here brings along to this
	 * instance from now on, as long as a flow lives; the last one holds. For a secret of your own making,
	 * such as a ticket, that says which device has claimed a flow: a page may then be loaded again. At most
	 * 128 letters, digits, '-', '_' and '.'. What it brings: NULL when that is nothing; from anybody,
	 * anything. */
	int32_t (*remember)(struct pintle_call *, const char *text);
	const char *(*remembered)(struct pintle_call *);
};

#ifdef __cplusplus
}
#endif
#endif
