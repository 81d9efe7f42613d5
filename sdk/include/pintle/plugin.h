/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pintle plugin interface. Read this file first; host.h says what the host does for you, store.h
 * is for storage drivers, docs/plugins.md builds one from nothing.
 *
 * A plugin is one .so that exports one function, pintle_plugin_entry, which returns a constant
 * descriptor and does nothing else. The host copies every table of it at load. All that changes hangs
 * off the pointer open() made: one .so serves many instances, on many threads at once.
 *
 * Compatibility: abi must equal PINTLE_ABI; every table starts with its size and grows only at its
 * end, so a plugin built against an older header keeps working. PINTLE_HAS asks whether an older host
 * has a service. The number is a draft until the first release.
 */
#ifndef PINTLE_PLUGIN_H
#define PINTLE_PLUGIN_H

#include "host.h"
#include "option.h"
#include "status.h"
#include "store.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PINTLE_ABI 1u
#define PINTLE_HAS(table, member)                                                                  \
	((size_t)((const char *)(&(table)->member + 1) - (const char *)(table)) <=                 \
		 (table)->size &&                                                                  \
	 (table)->member)

/* A field a login page asks for. */
struct pintle_input {
	const char *name;
	const char *label_zh, *label_en;
	const char *type;    /* of an HTML input: "tel", "text", "password", "email" */
	const char *pattern; /* regular expression, or NULL */
	int32_t step;        /* 0: begin asks for it, 1: verify does */
	int32_t is_required;
};

#define PINTLE_DIRECT 1u /* verify needs no begin */
/* What an account has in the namespaces declared here is one thing: the unbind of any section takes it
 * all. */
#define PINTLE_WHOLE 2u

/*
 * A way to prove who one is. Ops are [worker], may block, and run at most max_running at once (an
 * option of every section). Attempts, expiry, limits, accounts, sessions and tokens are the host's.
 *
 * begin    reads fields, names the target, keeps values, sends. May be NULL with PINTLE_DIRECT.
 * verify   answers OK after subject() or account(); DENIED for a wrong proof; MORE; PENDING status.
 * bind     as verify, for an account signed in; again for the same flow after an OK, with what it kept, when
 *          the identity was another account's and that is proved too. NULL: not offered.
 * unbind   may refuse or tell a third system; param "subject" names it. NULL: the host just does it.
 * callback an upstream's redirect or push.
 * poll     asks the upstream how far a flow is that begin made wait with ticket(), and says it with
 *          set_state() and keep(). Run while somebody asks after the flow or watches it, once at a time and
 *          every two seconds at the most; without a request: its getters know nothing. It signs nobody in:
 *          subject() is verify's, as with callback.
 * describe adds its part to the profile of user(), with set().
 * record   keeps the plugin's own rows in step with an account: inside the transaction that signs it in
 *          or binds (is_bound), or unbinds, and again when that is tried again; db_query() and set()
 *          only. What is not OK undoes it all. At bind of what another account has it runs before that one
 *          is asked for, too, and is undone: CONFLICT if the account signed in can have no more of the kind.
 *          When the identity moves, only who gets it is told, as is_bound: a row that is kept of an identity
 *          follows its subject, whosever it was.
 */
struct pintle_provider {
	uint32_t size;
	uint32_t flags;
	const char *label_zh, *label_en;
	/* NULL-terminated; a trailing * matches any end, and open() says which: describe_instance */
	const char *const *namespaces;
	const char *denied; /* error name of DENIED: "invalid_code" or "invalid_credentials" */
	const struct pintle_input *inputs;
	uint32_t n_inputs, input_size;
	pintle_op *begin, *verify, *bind, *unbind, *callback, *poll, *describe;
	int32_t (*record)(void *self, struct pintle_call *, int64_t account_id, int32_t is_bound);
};

/*
 * Delivers messages. send is [worker]: OK accepted; DENIED or INVALID this message will never go
 * (bad number); LIMITED this number not now; a fault: surely not accepted, another gateway may be
 * tried; PINTLE_TIMEOUT: unclear, no other gateway is tried. set(call, "upstream_id", …) keeps the
 * gateway's reference.
 * receipt reads a delivery report (body(), header(), field() of the query, param() "name" and "token" of its
 * path), tells receipt() what it says of each message and answers as the gateway wants, with page().
 * probe asks the upstream whether it is well: OK brings a sender back that failed.
 */
struct pintle_sender {
	uint32_t size;
	uint32_t flags;
	const char *channel; /* "sms" or "mail" */
	int32_t (*send)(void *self, struct pintle_call *, const struct pintle_message *);
	pintle_op *receipt, *probe;
};

enum pintle_route_kind {
	PINTLE_TO_BEGIN,
	PINTLE_TO_VERIFY,
	PINTLE_TO_BIND,
	PINTLE_TO_UNBIND,
	PINTLE_TO_OP
};

/*
 * A path of the plugin's own: an alias of a provider's op or an op of its own. Several routes may share
 * a method and path when each names a different field in when; the request's fields choose. Where several
 * sections have one plugin, a path belongs to the first of them, and one with {provider} to the section it
 * names.
 */
struct pintle_route {
	const char *method, *path; /* "POST", "/api/v1/things/{id}" */
	int32_t kind;
	/* Of begin and verify, when the request names none. -1: at begin, to bind for who is signed in, and to
	 * sign in for anybody else; at verify, that of the flow. */
	int32_t purpose;
	const char *
		permission; /* NULL: anybody; "self": signed in; else a permission such as "user:view" */
	const char *when; /* NULL, or the field that must be present */
	pintle_op *op;    /* PINTLE_TO_OP only */
	const char *summary;
};

struct pintle_api {
	uint32_t size;
	uint32_t route_size;
	const struct pintle_route *routes;
	size_t n_routes;
	/* "path", "name", …, NULL: what some paths call flow_id, in the request (a field, or {name} of the
	 * path) and in the answer of begin. May be NULL. */
	const char *const *flow_names;
};

/* May the staff member signed in do that? [worker] OK or FORBIDDEN. */
struct pintle_authorizer {
	uint32_t size;
	uint32_t flags;
	const char *realm; /* "staff" */
	int32_t (*authorize)(void *self, struct pintle_call *, int64_t subject_id,
			     const char *permission);
	/* All permissions of the subject, comma separated, with set(call, "permissions", …). */
	int32_t (*permissions)(void *self, struct pintle_call *, int64_t subject_id);
};

/* Told of events after they happened: "login", "bind", "freeze" … [worker]. */
struct pintle_listener {
	uint32_t size;
	uint32_t flags;
	void (*event)(void *self, const char *name, const char *json);
};

/* One step of the plugin's own tables, for one SQL dialect. Statements end with ';' at a line's end. */
struct pintle_migration {
	const char *dialect;
	int32_t number; /* 1, 2, 3 … without gaps */
	int32_t reserved;
	const char *name;
	const char *sql;
};

struct pintle_plugin { /* append only */
	uint32_t size, abi;
	const char *name, *version, *summary;
	const struct pintle_opt *opts;
	uint32_t n_opts, opt_size;
	uint32_t conf_size; /* of the struct the options fill */
	uint32_t n_migrations;
	const struct pintle_migration *migrations;
	size_t migration_size;

	/*
	 * Makes an instance. conf lives until close. Called once per process and instance before it serves,
	 * on the main thread; connects to nothing that may be down: do that at first use. On failure a
	 * reason in err, and a fault or PINTLE_INVALID. A plugin with nothing to make leaves open and
	 * close NULL: self is a struct pintle_plain then.
	 */
	int32_t (*open)(const struct pintle_host *, struct pintle_inst *, const void *conf,
			void **self_out, char *err, size_t err_len);
	void (*close)(void *self);

	const struct pintle_provider *provider;
	const struct pintle_sender *sender;
	const struct pintle_db *db;
	const struct pintle_kv *kv;
	const struct pintle_api *api;
	const struct pintle_authorizer *authorizer;
	const struct pintle_listener *listener;
};

/* What an instance's self is when its plugin has neither open nor close. */
struct pintle_plain {
	const struct pintle_host *host;
	struct pintle_inst *inst;
	const void *conf;
};

/* The members of a descriptor that name a table and say how it is laid out. */
#define PINTLE_N(table) (sizeof(table) / sizeof((table)[0]))
#define PINTLE_OPTIONS(table)                                                                      \
	.opts = (table), .n_opts = PINTLE_N(table), .opt_size = sizeof((table)[0])
#define PINTLE_INPUTS(table)                                                                       \
	.inputs = (table), .n_inputs = PINTLE_N(table), .input_size = sizeof((table)[0])
#define PINTLE_ROUTES(table)                                                                       \
	.routes = (table), .n_routes = PINTLE_N(table), .route_size = sizeof((table)[0])
#define PINTLE_MIGRATIONS(table)                                                                   \
	.migrations = (table), .n_migrations = PINTLE_N(table), .migration_size = sizeof((table)[0])

#define PINTLE_ENTRY pintle_plugin_entry
#define PINTLE_PLUGIN(desc)                                                                        \
	__attribute__((visibility("default"))) const struct pintle_plugin *pintle_plugin_entry(    \
		void);                                                                             \
	const struct pintle_plugin *pintle_plugin_entry(void)                                      \
	{                                                                                          \
		return &(desc);                                                                    \
	}

#ifdef __cplusplus
}
#endif
#endif
