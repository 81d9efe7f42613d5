/* SPDX-License-Identifier: Apache-2.0 */
#include "message_log.h"

#include "clock.h"
#include "host.h"
#include "identifier.h"
#include "json.h"
#include "log.h"
#include "message.h"

#define WAIT_MS 5000 /* for the store, once a message is through */

const char *message_log_word(int32_t status)
{
	switch (status) {
	case PINTLE_OK:
		return "accepted";
	case PINTLE_TIMEOUT:
		return "unclear";
	case PINTLE_LIMITED:
		return "limited";
	default:
		return PINTLE_IS_DENIAL(status) ? "refused" : "failed";
	}
}

/* What a gateway may charge for: one unit if it says nothing else. */
static int64_t cost_of(int32_t status, const json_t *said)
{
	const json_t *units = json_object_get(said, "cost_units");

	if (status != PINTLE_OK && status != PINTLE_TIMEOUT)
		return 0;
	return json_is_integer(units) ? (int64_t)json_integer_value(units) : 1;
}

int64_t message_log_attempt(const struct message *message, const struct pintle_inst *sender,
			    int32_t status, const json_t *said)
{
	const struct host *host = message->host;
	struct tx tx = { .db = &host->db, .deadline_ms = clock_mono_ms() + WAIT_MS };
	const char *channel = sender->plugin->sender.channel;
	char masked[IDENTIFIER_MAX], blind[2 * SEAL_MAC_LEN + 1];
	int32_t stored;
	int64_t id = 0;

	mask_subject(strcmp(channel, "mail") == 0 ? "email" : "phone", message->text.to, masked);
	seal_blind(host->seal, "recipient", message->text.to, blind);
	stored = db_exec(&tx,
			 "INSERT INTO message_logs (kind, recipient, recipient_blind, country,"
			 " template, gateway, result, upstream_id, cost_units, at)"
			 " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			 DB_PARAMS(db_text(channel), db_text(masked), db_text(blind),
				   db_text(*message->country ? message->country : NULL),
				   db_text(message->text.template_name), db_text(sender->name),
				   db_text(message_log_word(status)),
				   db_text(json_text_member(said, "upstream_id")),
				   db_int(cost_of(status, said)), db_int(clock_now_ms())),
			 NULL, &id);
	if (stored != PINTLE_OK)
		log_warn("message log: not written, status %d", stored);
	return stored == PINTLE_OK ? id : 0;
}

void message_log_entered(const struct db *db, int64_t id, int64_t at_ms)
{
	struct tx tx = { .db = db, .deadline_ms = clock_mono_ms() + WAIT_MS };

	if (id != 0)
		(void)db_exec(&tx, "UPDATE message_logs SET entered_at = ? WHERE id = ?",
			      DB_PARAMS(db_int(at_ms), db_int(id)), NULL, NULL);
}
