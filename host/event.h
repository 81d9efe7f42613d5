/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events after they happened: told to the listener plugins of this worker, and published on the bus of
 * the kv store for every worker and host. An event is never waited for and may be lost with a worker.
 */
#ifndef EVENT_H
#define EVENT_H

#include <jansson.h>
#include <stdint.h>

struct host;

/* [worker] name is "login", "bind", "revoke" …; json is copied. BUSY: listeners of this worker are not told. */
int32_t event_publish(struct host *host, const char *name, const char *json);
/* The same with an object this takes over; nothing is done about a failure. */
void event_tell(struct host *host, const char *name, json_t *details);

#endif
