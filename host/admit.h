/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands before every route that runs on a worker thread: the limit of the client's address, who is
 * asking, and whether they may. [worker] Each is false when the answer is decided.
 */
#ifndef ADMIT_H
#define ADMIT_H

#include "request.h"

/* First of all. The session of a token or cookie that is known already is looked up on the way. */
bool admit_count(struct request *request);
/* Fills request->who. A token that is no good is nobody's: the route may be open to all. */
bool admit_identify(struct request *request);
/* By the permission the chosen route asks for. */
bool admit_permit(struct request *request);

#endif
