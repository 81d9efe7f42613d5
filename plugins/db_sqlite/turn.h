/* SPDX-License-Identifier: Apache-2.0 */
/* Who may use the write connection, and who waits for whom: the queueing part of the writer. */
#ifndef TURN_H
#define TURN_H

#include "writer.h"

/* Waits in line; TIMEOUT when the deadline comes first. */
int32_t turn_take(struct writer *writer, int64_t deadline_ms);
bool turn_try(struct writer *writer);
/* Gives the turn to the next in line, to the leader of a group that is complete, or to nobody. */
void turn_pass(struct writer *writer);
/* The leader, which has the turn: lets others in and returns with the turn when all are done. */
void turn_lead(struct writer *writer, int64_t deadline_ms);
/* A member, which has the turn: passes it and waits for what the leader's commit gave. */
int32_t turn_join(struct writer *writer, int64_t deadline_ms);
/* The leader, which has the turn: tells every member how it ended, and passes the turn. */
void turn_finish(struct writer *writer, int32_t status);

#endif
