/* SPDX-License-Identifier: Apache-2.0 */
/* What a client says of the device it signs in from: the field "device" and its user agent. */
#ifndef DEVICE_H
#define DEVICE_H

#include "session.h"

struct request;

/* [worker] The texts live as long as the request. False: the answer names the member that is wrong. */
bool device_read(struct request *request, struct device *out);

#endif
