/* SPDX-License-Identifier: Apache-2.0 */
/* The outbox of the developer: open and send of a sender of any channel that delivers there. */
#ifndef OUTBOX_H
#define OUTBOX_H

#include <pintle/plugin.h>

/* Refuses where its codes could be read by others. To be closed with free. */
int32_t outbox_open(const struct pintle_host *host, struct pintle_inst *inst, const void *conf,
		    void **self_out, char *err, size_t err_len);
int32_t outbox_send(void *self_of_inst, struct pintle_call *call,
		    const struct pintle_message *message);

#endif
