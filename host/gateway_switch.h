/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's switch of each sender: a row of disabled_gateways, which holds on every host and
 * outlives every restart. A worker believes what it has read for a second. [worker]
 */
#ifndef GATEWAY_SWITCH_H
#define GATEWAY_SWITCH_H

#include "db.h"

#include <stdbool.h>

struct host;
struct pintle_inst;

/* As this worker read it last. */
bool gateway_is_off(const struct pintle_inst *sender);
/* Reads them all if the last attempt is older than max_age_ms. Without the store it stays as it was. */
void gateway_read_switches(struct host *host, int64_t max_age_ms);
int32_t gateway_switch(struct tx *tx, struct pintle_inst *sender, bool is_off);

#endif
