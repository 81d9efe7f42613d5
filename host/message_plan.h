/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which senders a message tries, and in which order: a sender that is due for its probe, those that are
 * well, those whose messages do not arrive, the one that has sent to this person lately, and last those
 * out of rotation: the least bad is better than none. [worker]
 */
#ifndef MESSAGE_PLAN_H
#define MESSAGE_PLAN_H

struct message;
struct pintle_inst;

/* Fills message->tries; none when every sender of the group is switched off or in quarantine. */
void message_plan(struct message *message);
/* Whoever this went to has a message of sender, or may have: the next one tries another first. */
void message_plan_avoid(struct message *message, const struct pintle_inst *sender);

#endif
