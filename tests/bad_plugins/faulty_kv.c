/* SPDX-License-Identifier: Apache-2.0 */
#include "faulty.h"

#define KIND_LEN 2 /* of a key: letters that say what it is of */

static const struct pintle_plugin *behind;
static struct pintle_plugin front;
static struct pintle_kv kv;

static const char *const op_names[] = { "get",    "set",  "add",   "take",   "swap",
					"delete", "incr", "limit", "publish" };

static void trace(const struct pintle_kv_request *request)
{
	const char *key = request->op == PINTLE_KV_LIMIT ? request->limits[0].key : request->key;
	size_t len = request->op == PINTLE_KV_LIMIT ? request->limits[0].key_len : request->key_len;

	faulty_trace("kv", op_names[request->op], key, len < KIND_LEN ? len : KIND_LEN);
}

static void say_nothing(void *ctx, const struct pintle_kv_answer *answer)
{
	(void)ctx;
	(void)answer;
}

static void submit(void *self, const struct pintle_kv_request *request, pintle_kv_done *done,
		   void *ctx)
{
	const struct pintle_kv_answer down = { .size = sizeof(down), .status = PINTLE_UNAVAILABLE };
	enum fault fault = faulty_next("kv", op_names[request->op]);

	trace(request);
	if (fault == FAULT_NONE) {
		behind->kv->submit(self, request, done, ctx);
		return;
	}
	if (fault == FAULT_AFTER)
		behind->kv->submit(self, request, say_nothing, NULL);
	done(ctx, &down);
}

static int32_t open_front(const struct pintle_host *host, struct pintle_inst *inst,
			  const void *conf, void **self_out, char *err, size_t err_len)
{
	faulty_init(host->state_dir(inst));
	return behind->open(host, inst, conf, self_out, err, err_len);
}

__attribute__((visibility("default"))) const struct pintle_plugin *pintle_plugin_entry(void);
const struct pintle_plugin *pintle_plugin_entry(void)
{
	behind = faulty_load(BUILD_DIR "/plugins/kv_lmdb.so", "faulty_kv", &front);
	if (!behind)
		return NULL;
	kv = *behind->kv;
	kv.submit = submit;
	front.kv = &kv;
	front.open = open_front;
	return &front;
}
