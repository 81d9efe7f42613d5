/* SPDX-License-Identifier: Apache-2.0 */
/* The table message_logs: a row for each attempt of a sender, and what becomes known of it later. The
 * row tells an operator what happened; losing it loses no message. [worker] */
#ifndef MESSAGE_LOG_H
#define MESSAGE_LOG_H

#include "db.h"

#include <jansson.h>

struct message;
struct pintle_inst;

/* What an attempt that ended so is called. */
const char *message_log_word(int32_t status);
/* said: what the sender set in its op. The row's id, 0 when it was not written. */
int64_t message_log_attempt(const struct message *message, const struct pintle_inst *sender,
			    int32_t status, const json_t *said);
/* Its code was entered. */
void message_log_entered(const struct db *db, int64_t id, int64_t at_ms);

#endif
