/* SPDX-License-Identifier: Apache-2.0 */
/* When a session was last active: written seldom, and never waited for. */
#ifndef TOUCH_H
#define TOUCH_H

#include "session.h"

struct host;

/* [any] Somebody has just used session, as read from its record. */
void touch_when_due(struct host *host, const struct session *session);

#endif
