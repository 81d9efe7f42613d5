/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delivery reports of gateways: a path for each sender that reads them, whose last part is a keyed hash
 * of its name, open to the networks of its option receipts_from. A report counts once, however often it
 * comes. [worker]
 */
#ifndef RECEIPT_H
#define RECEIPT_H

#include <pintle/host.h>

struct arena;
struct host;

/* "/api/v1/receipts/<name>/<token>", the same on all hosts. */
const char *receipt_path(const struct host *host, struct arena *arena,
			 const struct pintle_inst *sender);
/* The service. */
int32_t receipt_note(struct pintle_call *call, const struct pintle_receipt *given);

#endif
