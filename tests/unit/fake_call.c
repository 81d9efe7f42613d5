/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_call.h"

#include "clock.h"
#include "identifier.h"
#include "opt.h"
#include "rng.h"

#include <assert.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *field(struct pintle_call *call, const char *name)
{
	for (const char *const *at = call->fields; at && at[0]; at += 2)
		if (strcmp(at[0], name) == 0)
			return at[1];
	return NULL;
}

static const char *lang(struct pintle_call *call)
{
	return call->lang ? call->lang : "en";
}

static int32_t purpose(struct pintle_call *call)
{
	return call->purpose;
}

static const char *canonical(struct pintle_call *call, const char *kind, const char *text)
{
	char out[IDENTIFIER_MAX];

	return identifier_canonical(kind, text, out) ? arena_strdup(&call->arena, out) : NULL;
}

static void add(char text[FAKE_TEXT_MAX], const char *name, const char *value)
{
	size_t len = strlen(text);

	(void)snprintf(text + len, FAKE_TEXT_MAX - len, "%s=%s;", name, value);
}

static int32_t keep(struct pintle_call *call, const char *name, const char *value)
{
	add(call->kept, name, value);
	return PINTLE_OK;
}

static const char *kept(struct pintle_call *call, const char *name)
{
	char *start = arena_printf(&call->arena, "%s=", name);
	const char *found = strstr(call->kept, start);

	if (!found)
		return NULL;
	found += strlen(start);
	return arena_copy(&call->arena, found, strcspn(found, ";"));
}

static int32_t target(struct pintle_call *call, const char *ns, const char *subject)
{
	(void)snprintf(call->target, sizeof(call->target), "%s %s", ns, subject);
	return call->target_status;
}

static int32_t name_subject(struct pintle_call *call, const char *ns, const char *subject)
{
	(void)snprintf(call->subject, sizeof(call->subject), "%s %s", ns, subject);
	return PINTLE_OK;
}

static int32_t set(struct pintle_call *call, const char *name, const char *value)
{
	add(call->data, name, value);
	return PINTLE_OK;
}

static int32_t invalid(struct pintle_call *call, const char *name, const char *reason)
{
	(void)snprintf(call->wrong, sizeof(call->wrong), "%s %s", name, reason);
	return PINTLE_INVALID;
}

static void detail(struct pintle_call *call, const char *text)
{
	(void)snprintf(call->detail, sizeof(call->detail), "%s", text);
}

static void *alloc(struct pintle_call *call, size_t len)
{
	return arena_try_alloc(&call->arena, len);
}

static int32_t send_message(struct pintle_call *call, const char *group,
			    const struct pintle_message *message)
{
	(void)snprintf(call->sent, sizeof(call->sent), "%s %s %s %s", group, message->to,
		       message->template_name, message->text);
	(void)snprintf(call->subject_sent, sizeof(call->subject_sent), "%s",
		       message->subject ? message->subject : "");
	(void)snprintf(call->html, sizeof(call->html), "%s", message->html ? message->html : "");
	(void)snprintf(call->code, sizeof(call->code), "%s", message->vars[1]);
	return call->send_status;
}

static int32_t http(struct pintle_call *call, const struct pintle_request *request,
		    struct pintle_answer *out)
{
	FILE *text = fmemopen(call->request, sizeof(call->request), "w");

	assert(text);
	(void)fprintf(text, "%s %s\n", request->method, request->url);
	for (const char *const *header = request->headers; header && *header; header++)
		(void)fprintf(text, "%s\n", *header);
	(void)fprintf(text, "\n%s", (const char *)request->body);
	(void)fclose(text);
	out->code = call->http_code;
	out->body = call->http_body ? call->http_body : "";
	out->body_len = strlen(out->body);
	return call->http_status;
}

/* Not a hash, but different for all that differs. */
static const char *blind(struct pintle_call *call, const char *label, const char *text)
{
	return arena_printf(&call->arena, "<%s|%s>", label, text);
}

static int32_t random_bytes(void *out, size_t len)
{
	return rng_bytes(out, len) ? PINTLE_OK : PINTLE_INTERNAL;
}

static int32_t random_digits(char *out, size_t n_digits)
{
	return rng_digits(out, n_digits) ? PINTLE_OK : PINTLE_INTERNAL;
}

static int32_t same(const void *a, const void *b, size_t len)
{
	return memcmp(a, b, len) == 0;
}

static void wipe(void *ptr, size_t len)
{
	explicit_bzero(ptr, len);
}

static const char *inst_name(struct pintle_inst *inst)
{
	(void)inst;
	return "test";
}

static const char *state_dir(struct pintle_inst *inst)
{
	return inst->dir;
}

static int32_t is_development(struct pintle_inst *inst)
{
	return !inst->is_production;
}

static int64_t left_ms(struct pintle_call *call)
{
	(void)call;
	return 10000;
}

/* There is no other machine. */
static int32_t resolve(struct pintle_inst *inst, const char *name, int64_t timeout_ms, char *out,
		       size_t out_len)
{
	(void)inst;
	(void)name;
	(void)timeout_ms;
	(void)snprintf(out, out_len, "127.0.0.1");
	return PINTLE_OK;
}

static struct pintle_host table = {
	.size = sizeof(table),
	.abi = PINTLE_ABI,
	.field = field,
	.lang = lang,
	.purpose = purpose,
	.canonical = canonical,
	.target = target,
	.keep = keep,
	.kept = kept,
	.subject = name_subject,
	.set = set,
	.invalid = invalid,
	.detail = detail,
	.alloc = alloc,
	.http = http,
	.send = send_message,
	.blind = blind,
	.random = random_bytes,
	.random_digits = random_digits,
	.same = same,
	.wipe = wipe,
	.now_ms = clock_now_ms,
	.mono_ms = clock_mono_ms,
	.left_ms = left_ms,
	.inst_name = inst_name,
	.state_dir = state_dir,
	.is_development = is_development,
	.resolve = resolve,
};

struct pintle_host *fake_call_table(void)
{
	return &table;
}

void fake_call_again(struct pintle_call *call, const char *const *fields)
{
	call->fields = fields;
	*call->subject = *call->target = *call->wrong = *call->data = *call->sent = '\0';
}

void fake_call_fini(struct pintle_call *call)
{
	arena_fini(&call->arena);
}

/* ---- Instances ---- */

static const struct pintle_plugin *load(const char *name)
{
	const struct pintle_plugin *(*entry)(void);
	char path[4096];
	void *handle;

	(void)snprintf(path, sizeof(path), "%s/plugins/%s.so", BUILD_DIR, name);
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	assert(handle);
	*(void **)&entry = dlsym(handle, "pintle_plugin_entry");
	assert(entry);
	(void)dlclose(handle);
	return entry();
}

static bool bind_options(struct fake_plugin *plugin, const char *name, const char *const *options)
{
	const struct opt_table opts = { .opts = plugin->desc->opts,
					.n_opts = plugin->desc->n_opts,
					.conf_size = plugin->desc->conf_size };
	struct conf conf = { 0 };
	struct conf_section *section = conf_add_section(&conf, name, "test.ini", 1);
	struct err err;
	bool ok;

	for (; options && options[0]; options += 2)
		(void)conf_add_key(section, options[0], options[1], "test.ini", 1);
	ok = opt_bind(&opts, section, name, plugin->conf, &err);
	if (!ok)
		(void)snprintf(plugin->reason, sizeof(plugin->reason), "%s", err.text);
	conf_fini(&conf);
	return ok;
}

void fake_plugin_init(struct fake_plugin *plugin, const char *name, struct pintle_inst *inst,
		      const char *const *options)
{
	*plugin = (struct fake_plugin){ .desc = load(name) };
	plugin->conf = calloc(1, plugin->desc->conf_size + 1);
	assert(plugin->conf);
	if (bind_options(plugin, name, options) &&
	    plugin->desc->open(&table, inst, plugin->conf, &plugin->self, plugin->reason,
			       sizeof(plugin->reason)) != PINTLE_OK)
		plugin->self = NULL;
}

void fake_plugin_fini(struct fake_plugin *plugin)
{
	const struct opt_table opts = { .opts = plugin->desc->opts,
					.n_opts = plugin->desc->n_opts,
					.conf_size = plugin->desc->conf_size };

	if (plugin->self)
		plugin->desc->close(plugin->self);
	opt_fini(&opts, plugin->conf);
	free(plugin->conf);
}
