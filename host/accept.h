/* SPDX-License-Identifier: Apache-2.0 */
/* The Accept header of HTTP (RFC 9110 12.5.1), as far as one type is asked for by its name. [any] */
#ifndef ACCEPT_H
#define ACCEPT_H

#include "slice.h"

/* How much type is wanted, 0 to 1000 thousandths; 0 as well when it is not named: what a wildcard takes
 * is left to the server. */
int accept_q(struct slice accept, const char *type);

#endif
