/* SPDX-License-Identifier: Apache-2.0 */
/* Services about the call itself: what the request says, what the flow keeps, what the op ends in. */
#include "call.h"
#include "clock.h"
#include "host.h"
#include "identifier.h"
#include "json.h"
#include "namespace.h"
#include "newcomer.h"
#include "proof.h"
#include "request.h"
#include "services.h"
#include "test_number.h"
#include "utf8.h"

#define SUBJECT_MAX 255
#define VALUE_MAX 65536

/* ---- The request ---- */

static const json_t *value_of(const struct pintle_call *call, const char *name)
{
	const json_t *value;

	if (!call->request || !name)
		return NULL;
	value = json_object_get(call->request->fields, name);
	return json_is_null(value) ? NULL : value;
}

static const char *field(struct pintle_call *call, const char *name)
{
	const json_t *value = value_of(call, name);
	const char *text = value ? json_text_member(call->request->fields, name) : NULL;

	if (value && !text && !call->outcome.has_bad_type) {
		call->outcome.has_bad_type = true;
		(void)call_invalid(call, name, "type");
	}
	return text;
}

static const char *field_json(struct pintle_call *call, const char *name, size_t *len_out)
{
	const json_t *value = value_of(call, name);
	const char *text = value ? json_text(&call->arena, value) : NULL;

	if (len_out)
		*len_out = text ? strlen(text) : 0;
	return text;
}

static const void *body(struct pintle_call *call, size_t *len_out)
{
	struct slice body = call->request ? call->request->http->body : (struct slice){ NULL, 0 };

	*len_out = body.len;
	return body.ptr;
}

static const char *header(struct pintle_call *call, const char *name)
{
	struct slice value;

	if (!call->request)
		return NULL;
	value = http_head_get(&call->request->http->head, name);
	return value.ptr ? arena_copy(&call->arena, value.ptr, value.len) : NULL;
}

static const char *param(struct pintle_call *call, const char *name)
{
	return call->request ? request_param_in(&call->arena, call->request, name) : NULL;
}

static const char *client(struct pintle_call *call)
{
	return call->request ? call->request->client_text : "";
}

static const char *lang(struct pintle_call *call)
{
	return call->request ? call->request->lang : "en";
}

static int32_t purpose(struct pintle_call *call)
{
	return call->purpose;
}

static int64_t user(struct pintle_call *call)
{
	const struct who *who = call->request ? &call->request->who : NULL;

	return who && who->is_known && strcmp(who->session.realm, "user") == 0
		       ? who->session.subject_id
		       : 0;
}

static const char *canonical(struct pintle_call *call, const char *kind, const char *text)
{
	char out[IDENTIFIER_MAX];

	return identifier_canonical(kind, text, out) ? arena_strdup(&call->arena, out) : NULL;
}

/* ---- The flow ---- */

static bool is_begin(const struct pintle_call *call)
{
	return strcmp(call->op, "begin") == 0;
}

static int32_t target(struct pintle_call *call, const char *ns, const char *subject)
{
	int32_t gate = call_gate(call);

	if (gate != PINTLE_OK)
		return gate;
	if (call->tx.open || !ns || !subject || strlen(ns) >= sizeof(call->flow.target_ns) ||
	    strlen(subject) > SUBJECT_MAX)
		return PINTLE_INTERNAL;
	if (is_begin(call) && test_number_may_begin(call, subject) != PINTLE_OK)
		return PINTLE_FORBIDDEN;
	call->outcome.target_ns = arena_strdup(&call->arena, ns);
	call->outcome.target = arena_strdup(&call->arena, subject);
	if (is_begin(call) || call->has_flow)
		return PINTLE_OK;
	return proof_take_secret_try(call);
}

static const char *fixed_code(struct pintle_call *call, const char *to)
{
	return to && is_begin(call) ? test_number_code(call, to) : NULL;
}

static int32_t keep(struct pintle_call *call, const char *name, const char *value)
{
	if (!name || !value || strlen(name) + strlen(value) > FLOW_KEPT_MAX ||
	    call->opened == CALL_FLOW_TO_READ)
		return PINTLE_INTERNAL;
	return json_object_set_new(call->flow.kept, name, json_string(value)) == 0
		       ? PINTLE_OK
		       : PINTLE_INTERNAL;
}

/* A copy: the flow that is open may be another by the time the text is read. */
static const char *kept(struct pintle_call *call, const char *name)
{
	const char *text = json_text_member(call->flow.kept, name);

	return text ? arena_strdup(&call->arena, text) : NULL;
}

/* ---- The outcome ---- */

/* Who comes by a ticket has not opened the flow: nobody is signed in there. */
static bool may_prove(const struct pintle_call *call)
{
	return strcmp(call->op, "callback") != 0 && call->opened == CALL_FLOW_NONE;
}

static bool may_name(const struct pintle_call *call, const char *ns, const char *subject)
{
	return may_prove(call) && ns && subject && *subject && strlen(subject) <= SUBJECT_MAX &&
	       utf8_is_valid(subject);
}

static int32_t subject(struct pintle_call *call, const char *ns, const char *subject)
{
	int32_t gate = call_gate(call);

	if (gate != PINTLE_OK)
		return gate;
	if (!may_name(call, ns, subject) || !namespace_belongs(call->inst, ns))
		return PINTLE_INTERNAL;
	call->outcome.ns = arena_strdup(&call->arena, ns);
	call->outcome.subject = arena_strdup(&call->arena, subject);
	call->outcome.n_others = 0;
	call->outcome.account_id = 0;
	return PINTLE_OK;
}

static int32_t also(struct pintle_call *call, const char *ns, const char *subject)
{
	struct call_outcome *outcome = &call->outcome;
	int32_t gate = call_gate(call);

	if (gate != PINTLE_OK)
		return gate;
	if (!outcome->subject || outcome->n_others == CALL_OTHERS_MAX ||
	    !may_name(call, ns, subject) ||
	    !(namespace_belongs(call->inst, ns) || namespace_is_vouched(call->inst, ns)))
		return PINTLE_INTERNAL;
	outcome->others[outcome->n_others++] = (struct named_identity){
		arena_strdup(&call->arena, ns),
		arena_strdup(&call->arena, subject),
	};
	return PINTLE_OK;
}

static int32_t account(struct pintle_call *call, int64_t account_id)
{
	int32_t gate = call_gate(call);

	if (gate != PINTLE_OK)
		return gate;
	if (account_id <= 0 || !may_prove(call))
		return PINTLE_INTERNAL;
	call->outcome.account_id = account_id;
	call->outcome.n_others = 0;
	call->outcome.ns = NULL;
	call->outcome.subject = NULL;
	return PINTLE_OK;
}

static int32_t put(json_t *object, const char *name, json_t *value)
{
	if (!name) {
		json_decref(value);
		return PINTLE_INTERNAL;
	}
	return json_object_set_new(object, name, value) == 0 ? PINTLE_OK : PINTLE_INTERNAL;
}

static int32_t claim(struct pintle_call *call, const char *name, const char *value)
{
	if (!value || strlen(value) > VALUE_MAX)
		return PINTLE_INTERNAL;
	return put(call->outcome.claims, name, json_string(value));
}

static int32_t set(struct pintle_call *call, const char *name, const char *value)
{
	if (!value || strlen(value) > VALUE_MAX)
		return PINTLE_INTERNAL;
	return put(call->outcome.data, name, json_string(value));
}

static int32_t set_int(struct pintle_call *call, const char *name, int64_t value)
{
	return put(call->outcome.data, name, json_integer(value));
}

static int32_t set_json(struct pintle_call *call, const char *name, const char *json)
{
	const char *why;

	return json ? put(call->outcome.data, name, json_parse(json, strlen(json), &why))
		    : PINTLE_INTERNAL;
}

static void detail(struct pintle_call *call, const char *text)
{
	call->outcome.detail = arena_strdup(&call->arena, text);
}

static void *alloc(struct pintle_call *call, size_t len)
{
	return arena_try_alloc(&call->arena, len);
}

static int32_t prove(struct pintle_call *call, const char *ns, const char **subject_out)
{
	int32_t gate = call_gate(call);

	if (gate == PINTLE_OK)
		gate = call->tx.open || !call->request ? PINTLE_INTERNAL : newcomer_check(call);
	return gate == PINTLE_OK ? proof_nested(call, ns, subject_out) : gate;
}

static int64_t left_ms(struct pintle_call *call)
{
	int64_t left = call->deadline_ms - clock_mono_ms();

	return left > 0 && call_gate(call) != PINTLE_TIMEOUT ? left : 0;
}

void services_fill_call(struct pintle_host *table)
{
	table->field = field;
	table->field_json = field_json;
	table->body = body;
	table->header = header;
	table->param = param;
	table->client = client;
	table->lang = lang;
	table->purpose = purpose;
	table->user = user;
	table->canonical = canonical;
	table->target = target;
	table->fixed_code = fixed_code;
	table->keep = keep;
	table->kept = kept;
	table->subject = subject;
	table->also = also;
	table->account = account;
	table->claim = claim;
	table->set = set;
	table->set_int = set_int;
	table->set_json = set_json;
	table->invalid = call_invalid;
	table->detail = detail;
	table->alloc = alloc;
	table->done = call_done;
	table->prove = prove;
	table->left_ms = left_ms;
}
