/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway_switch.h"

#include "clock.h"
#include "column.h"
#include "host.h"

#include <pintle/status.h>

bool gateway_is_off(const struct pintle_inst *sender)
{
	return atomic_load(&sender->is_off);
}

struct reading {
	struct instances *instances;
	bool is_off[BOARD_INSTANCES];
};

static int32_t take_name(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	struct reading *reading = ctx;
	const struct pintle_inst *inst = instances_find(reading->instances, column_text(&cols[0]));

	(void)n_cols;
	if (inst)
		reading->is_off[inst - reading->instances->items] = true;
	return PINTLE_OK;
}

static void read_all(struct host *host)
{
	struct reading reading = { .instances = &host->instances };
	struct tx tx = { .db = &host->db,
			 .deadline_ms = clock_mono_ms() + host->settings->storage.timeout_ms };

	if (db_each(&tx, "SELECT name FROM disabled_gateways", DB_NO_PARAMS, take_name, &reading) !=
	    PINTLE_OK)
		return;
	for (size_t i = 0; i < host->instances.n_items; i++)
		atomic_store(&host->instances.items[i].is_off, reading.is_off[i]);
}

void gateway_read_switches(struct host *host, int64_t max_age_ms)
{
	int64_t now_ms = clock_mono_ms(), read_ms = atomic_load(&host->switches_read_ms);

	if (read_ms != 0 && now_ms - read_ms < max_age_ms)
		return;
	/* Before, so that no one else waits beside this one for a store that hangs. */
	atomic_store(&host->switches_read_ms, now_ms);
	read_all(host);
}

int32_t gateway_switch(struct tx *tx, struct pintle_inst *sender, bool is_off)
{
	int32_t status;

	if (is_off)
		status = db_exec(tx, "INSERT INTO disabled_gateways (name, at) VALUES (?, ?)",
				 DB_PARAMS(db_text(sender->name), db_int(clock_now_ms())), NULL,
				 NULL);
	else
		status = db_exec(tx, "DELETE FROM disabled_gateways WHERE name = ?",
				 DB_PARAMS(db_text(sender->name)), NULL, NULL);
	if (status == PINTLE_CONFLICT) /* it was off already */
		status = PINTLE_OK;
	if (status == PINTLE_OK)
		atomic_store(&sender->is_off, is_off);
	return status;
}
