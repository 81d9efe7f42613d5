/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The op poll: the upstream of a flow that has to be asked how far it is. Who asks after a flow sees what is
 * known of it and waits for no upstream; what the op finds out is told like every other change of a flow, and
 * seen by who asks next. An upstream is asked by one worker of all hosts at a time, and FLOW_POLL_MS after the
 * last time has ended at the earliest.
 */
#ifndef FLOW_POLL_H
#define FLOW_POLL_H

#include "flow.h"
#include "host.h"

#define FLOW_POLL_MS 2000

/* [any] The provider that is asked how far its flows are, by its section's name; NULL. */
struct pintle_inst *flow_poll_provider(const struct host *host, const char *instance);
/* [any] Has it asked, soon. However often this is called for one flow, little comes of it. */
void flow_poll_soon(struct pintle_inst *inst, const char *flow_id);
/* [any] The same, where flow is one that waits for it. */
void flow_poll(const struct host *host, const struct flow *flow);

#endif
