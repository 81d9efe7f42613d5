/* SPDX-License-Identifier: Apache-2.0 */
/* What the operator's tools ask: alive, ready, numbers, the description of the API. */
#include "host.h"
#include "metrics.h"
#include "openapi.h"
#include "request.h"
#include "routes.h"
#include "stores.h"

/* [loop] So that a full pool is not taken for a dead process. */
void api_healthz(struct request *request)
{
	answer_ok(request, json_pack("{s:s}", "status", "ok"));
}

/* A store is required whatever its section says. */
static bool is_required(const struct host *host, const struct pintle_inst *inst)
{
	return inst->settings.is_required || strcmp(inst->name, host->settings->storage.db) == 0 ||
	       strcmp(inst->name, host->settings->storage.kv) == 0;
}

static json_t *list_instances(const struct host *host, bool *is_ready_out)
{
	json_t *list = json_array();

	*is_ready_out = true;
	for (size_t i = 0; i < host->instances.n_items; i++) {
		const struct pintle_inst *inst = &host->instances.items[i];
		bool is_up = instance_is_up(inst);
		bool is_needed = is_required(host, inst);

		if (!is_up && is_needed)
			*is_ready_out = false;
		(void)json_array_append_new(list, json_pack("{s:s, s:b, s:b}", "name", inst->name,
							    "required", is_needed, "up", is_up));
	}
	return list;
}

void api_readyz(struct request *request)
{
	const struct host *host = request->host;
	struct stores_up up = stores_ask(request);
	bool is_ready;
	json_t *instances = list_instances(host, &is_ready);

	is_ready = is_ready && up.db && up.kv && !atomic_load(&host->board->is_stopping);
	request->answer.raw =
		json_pack("{s:s, s:{s:b, s:b}, s:o}", "status", is_ready ? "ready" : "unready",
			  "stores", "db", up.db, "kv", up.kv, "instances", instances);
	request->answer.status = is_ready ? 200 : 503;
	request->answer.retry_after_s = is_ready ? 0 : 1;
}

void api_metrics(struct request *request)
{
	(void)stores_ask(request); /* its gauges are what matters */
	request->answer.status = 200;
	request->answer.text = slice_of(metrics_text(request->host, &request->arena));
	request->answer.text_type = "text/plain; version=0.0.4; charset=utf-8";
}

void api_openapi(struct request *request)
{
	request->answer.status = 200;
	request->answer.text = (struct slice){ openapi_json, openapi_json_len };
	request->answer.text_type = "application/json; charset=utf-8";
	request->answer.is_lasting = true;
}
