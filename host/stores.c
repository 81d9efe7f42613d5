/* SPDX-License-Identifier: Apache-2.0 */
#include "stores.h"

#include "clock.h"
#include "host.h"
#include "metrics.h"

#define ASK_MS 2000

struct stores_up stores_ask(struct request *request)
{
	const struct host *host = request->host;
	struct pintle_kv_request look = kv_get("ping");
	struct stores_up up;
	int32_t status;

	status = kv_do(&host->kv, &look, clock_mono_ms() + ASK_MS, &request->arena, NULL);
	up.kv = status == PINTLE_OK || status == PINTLE_NOT_FOUND;
	up.db = db_ping(&host->db, ASK_MS) == PINTLE_OK;
	metrics_gauge(host->self, GAUGE_KV_UP, up.kv);
	metrics_gauge(host->self, GAUGE_DB_UP, up.db);
	return up;
}
