/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a message may be sent, and who is told when not. */
#ifndef SEND_GATE_H
#define SEND_GATE_H

#include "call.h"

/* [worker] For a message through group, of which to, which is canonical, purpose and flags are looked at:
 * country, senders, limits; of a test number only those limits that cost nothing, since it gets none.
 * group NULL: an upstream sends it. OK; LIMITED with the outcome's limit; FORBIDDEN for the country;
 * UNAVAILABLE without a sender; or a fault. */
int32_t send_gate(struct pintle_call *call, const char *group,
		  const struct pintle_message *message);

#endif
