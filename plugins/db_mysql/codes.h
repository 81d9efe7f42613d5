/* SPDX-License-Identifier: Apache-2.0 */
/* What the error numbers of servers and client libraries mean here. [any] */
#ifndef CODES_H
#define CODES_H

#include <stdbool.h>
#include <stdint.h>

/* A status; INTERNAL for what nobody expects. */
int32_t codes_status(unsigned code);
/* The connection is no more, or of no more use. */
bool codes_is_lost(unsigned code);
/* This server cannot do our work, though it answers: read-only, or not in step with its cluster. */
bool codes_is_unfit(unsigned code);
/* The operator's business: how the server is set up, or what it has run out of. */
bool codes_is_worth_a_line(unsigned code);

#endif
