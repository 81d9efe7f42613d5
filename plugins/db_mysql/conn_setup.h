/* SPDX-License-Identifier: Apache-2.0 */
/* What every new connection is told, and asked. */
#ifndef CONN_SETUP_H
#define CONN_SETUP_H

#include "conn.h"

/* A connection just made and still under guard. A status, and what is wrong in why. */
int32_t conn_setup(struct conn *conn, char *why, size_t why_len);

#endif
