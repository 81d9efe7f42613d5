/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which messages had their code entered: the sender's side and the person's side of one flow meet in the
 * kv store ("m:f:<flow>"), whichever comes first. Nobody waits for it and nothing depends on it but
 * statistics. "m:t:<hash>" names the sender that somebody has a message of.
 */
#ifndef ENTRY_H
#define ENTRY_H

#include "arena.h"

#include <stdint.h>

struct host;
struct message;
struct pintle_call;
struct pintle_inst;

const char *entry_target_key(const struct host *host, struct arena *arena, const char *to);
/* [worker] sender has taken message, or may have; row: its line in message_logs. */
void entry_expect(struct message *message, const struct pintle_inst *sender, int64_t row);
/* [worker] The proof of call's flow was right. Returns at once. */
void entry_note(const struct pintle_call *call);

#endif
