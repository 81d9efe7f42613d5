/* SPDX-License-Identifier: Apache-2.0 */
#include "faulty.h"

static const struct pintle_plugin *behind;
static struct pintle_plugin front;
static struct pintle_db db;

static int32_t begin(void *self, int64_t timeout_ms, struct pintle_tx **tx_out)
{
	return faulty_next("db", "begin") == FAULT_NONE
		       ? behind->db->begin(self, timeout_ms, tx_out)
		       : PINTLE_UNAVAILABLE;
}

static int32_t commit(void *self, struct pintle_tx *tx)
{
	enum fault fault = faulty_next("db", "commit");
	int32_t status = PINTLE_UNAVAILABLE;

	if (fault == FAULT_BEFORE)
		behind->db->rollback(self, tx);
	else
		status = behind->db->commit(self, tx);
	return fault == FAULT_NONE ? status : PINTLE_UNAVAILABLE;
}

static int32_t query(void *self, struct pintle_tx *tx, const struct pintle_query *query)
{
	enum fault fault = faulty_next("db", "query");
	int32_t status = PINTLE_UNAVAILABLE;

	faulty_trace("db", "query", query->sql, strlen(query->sql));
	if (fault != FAULT_BEFORE)
		status = behind->db->query(self, tx, query);
	return fault == FAULT_NONE ? status : PINTLE_UNAVAILABLE;
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
	behind = faulty_load(BUILD_DIR "/plugins/db_sqlite.so", "faulty_db", &front);
	if (!behind)
		return NULL;
	db = *behind->db;
	db.begin = begin;
	db.commit = commit;
	db.query = query;
	front.db = &db;
	front.open = open_front;
	return &front;
}
