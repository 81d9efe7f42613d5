/* SPDX-License-Identifier: Apache-2.0 */
/* The table of services handed to plugins; each services_*.c fills its part. */
#ifndef SERVICES_H
#define SERVICES_H

#include <pintle/host.h>

/* [main] first, then [any]; the same table for every instance of the process. */
const struct pintle_host *services(void);

void services_fill_call(struct pintle_host *table);   /* request, flow, outcome */
void services_fill_flow(struct pintle_host *table);   /* tickets, states, pages */
void services_fill_store(struct pintle_host *table);  /* db, kv, accounts */
void services_fill_world(struct pintle_host *table);  /* http, messages, log, loop */
void services_fill_secret(struct pintle_host *table); /* seal, hash, random */

#endif
