/* SPDX-License-Identifier: Apache-2.0 */
#include "receipt.h"

#include "call.h"
#include "clock.h"
#include "column.h"
#include "dispatch.h"
#include "gateway_share.h"
#include "host.h"
#include "metrics_message.h"
#include "op.h"
#include "routes.h"

#include <openssl/crypto.h>
#include <pintle/plugin.h>
#include <stdio.h>
#include <string.h>

#define TOKEN_LEN 32 /* hex digits: 128 bits */
#define ID_MAX 128
#define WORD_MAX 64

static void make_token(const struct host *host, const char *name, char out[2 * SEAL_MAC_LEN + 1])
{
	seal_blind(host->seal, "receipt path", name, out);
	out[TOKEN_LEN] = '\0';
}

const char *receipt_path(const struct host *host, struct arena *arena,
			 const struct pintle_inst *sender)
{
	char token[2 * SEAL_MAC_LEN + 1];

	make_token(host, sender->name, token);
	return arena_printf(arena, "/api/v1/receipts/%s/%s", sender->name, token);
}

/* ---- The route ---- */

static bool is_token(struct request *request, const char *name)
{
	const char *given = request_param(request, "token");
	char token[2 * SEAL_MAC_LEN + 1];

	make_token(request->host, name, token);
	return given && strlen(given) == TOKEN_LEN && CRYPTO_memcmp(given, token, TOKEN_LEN) == 0;
}

/* One answer for all that is not right: who guesses learns nothing. */
static struct pintle_inst *find_sender(struct request *request)
{
	const char *name = request_param(request, "name");
	struct pintle_inst *sender = name ? instances_find(&request->host->instances, name) : NULL;

	if (!sender || !sender->plugin->desc.sender || !sender->plugin->sender.receipt ||
	    !network_list_has(&sender->receipts_from, &request->client) || !is_token(request, name))
		return NULL;
	return sender;
}

static void reported(struct pintle_call *call, int32_t status)
{
	if (status == PINTLE_OK)
		op_answer_fine(call);
	else
		op_answer(call, status);
	op_finish(call);
}

void api_receipt(struct request *request)
{
	request->inst = find_sender(request);
	if (!request->inst) {
		op_refuse(request);
	} else if (!instance_is_up(request->inst)) {
		answer_error(request, "provider_unavailable");
		dispatch_finish(request);
	} else {
		call_run(op_call(request, "receipt", PINTLE_LOGIN),
			 request->inst->plugin->sender.receipt, reported);
	}
}

/* ---- What it says ---- */

struct sent {
	int64_t id, at_ms;
	bool has_receipt;
	char country[GROUP_COUNTRY_MAX], template_name[BOARD_NAME_MAX + 1];
};

static int32_t take_sent(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	struct sent *sent = ctx;
	const char *country = column_text(&cols[3]), *template_name = column_text(&cols[4]);

	(void)n_cols;
	sent->id = column_int(&cols[0]);
	sent->at_ms = column_int(&cols[1]);
	sent->has_receipt = column_text(&cols[2]) != NULL;
	(void)snprintf(sent->country, sizeof(sent->country), "%s", country ? country : "");
	(void)snprintf(sent->template_name, sizeof(sent->template_name), "%s",
		       template_name ? template_name : "");
	return PINTLE_OK;
}

static int32_t find_sent(struct pintle_call *call, const char *upstream_id, struct sent *out)
{
	return db_first(&call->tx,
			"SELECT id, at, receipt_state, country, template FROM message_logs"
			" WHERE gateway = ? AND upstream_id = ? ORDER BY id DESC LIMIT 1",
			DB_PARAMS(db_text(call->inst->name), db_text(upstream_id)), take_sent, out);
}

static void count(const struct pintle_call *call, struct arena *arena, const struct sent *sent,
		  bool is_delivered)
{
	const char *gateway = call->inst->name;
	const struct metric_message about = { gateway, sent->country, sent->template_name };

	gateway_count(call->host, arena, gateway, sent->at_ms,
		      is_delivered ? GATEWAY_DELIVERED : GATEWAY_LOST);
	metrics_message(call->host->board, &about, is_delivered ? FATE_DELIVERED : FATE_LOST);
}

/* The first one holds: reports may come again, and from several workers at once. */
static int32_t write_receipt(struct pintle_call *call, const struct sent *sent,
			     const struct pintle_receipt *receipt)
{
	char state[WORD_MAX + 16];
	int64_t n_changed = 0, units = receipt->cost_units;
	int32_t status;

	(void)snprintf(state, sizeof(state), "%s%s%s", receipt->is_delivered ? "delivered" : "lost",
		       receipt->reason ? " " : "", receipt->reason ? receipt->reason : "");
	status = db_exec(&call->tx,
			 "UPDATE message_logs SET receipt_state = ?, receipt_at = ?, cost_units ="
			 " CASE WHEN ? > 0 THEN ? ELSE cost_units END"
			 " WHERE id = ? AND receipt_state IS NULL",
			 DB_PARAMS(db_text(state), db_int(clock_now_ms()), db_int(units),
				   db_int(units), db_int(sent->id)),
			 &n_changed, NULL);
	if (status == PINTLE_OK && n_changed == 1)
		count(call, &call->arena, sent, receipt->is_delivered != 0);
	return status;
}

int32_t receipt_note(struct pintle_call *call, const struct pintle_receipt *given)
{
	struct pintle_receipt receipt = { 0 };
	struct sent sent = { 0 };
	int32_t status = call_gate(call);

	if (status != PINTLE_OK)
		return status;
	memcpy(&receipt, given, given->size < sizeof(receipt) ? given->size : sizeof(receipt));
	if (call->tx.open || strcmp(call->op, "receipt") != 0 || !receipt.upstream_id ||
	    (receipt.reason && strlen(receipt.reason) > WORD_MAX))
		return PINTLE_INTERNAL;
	if (strlen(receipt.upstream_id) > ID_MAX)
		return PINTLE_NOT_FOUND;
	status = find_sent(call, receipt.upstream_id, &sent);
	if (status != PINTLE_OK || sent.has_receipt)
		return status;
	return write_receipt(call, &sent, &receipt);
}
