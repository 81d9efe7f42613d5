/* SPDX-License-Identifier: Apache-2.0 */
#include "login_history.h"

#include "clock.h"
#include "column.h"

#include <inttypes.h>
#include <pintle/status.h>
#include <stdio.h>

#define PLACE_MAX 48 /* two numbers of 64 bits and what is between them */

const struct login_place login_history_start = { INT64_MAX, INT64_MAX };

struct listing {
	const char *current;
	int64_t limit, n_rows;
	struct login_place last; /* of those listed */
	json_t *list;
};

bool login_history_place(const char *text, struct login_place *out)
{
	char again[PLACE_MAX];

	if (sscanf(text, "%19" SCNd64 "-%19" SCNd64, &out->at_ms, &out->id) != 2)
		return false;
	/* Whatever else could be read as two numbers is none of ours. */
	(void)snprintf(again, sizeof(again), "%" PRId64 "-%" PRId64, out->at_ms, out->id);
	return out->at_ms >= 0 && out->id >= 0 && strcmp(again, text) == 0;
}

/* Columns: id, at, provider, identifier, result, reason, ip, user_agent, device_id, session_id. */
static int32_t list_row(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	struct listing *listing = ctx;
	const char *session_id = column_text(&cols[9]);
	bool is_current =
		listing->current && session_id && strcmp(session_id, listing->current) == 0;
	char at[CLOCK_TEXT_MAX];
	json_t *one;

	(void)n_cols;
	if (listing->n_rows++ == listing->limit)
		return PINTLE_OK; /* there is more */
	listing->last = (struct login_place){ column_int(&cols[1]), column_int(&cols[0]) };
	clock_text(listing->last.at_ms, at);
	one = json_pack("{s:s s:s? s:s? s:s? s:s? s:s? s:s? s:s? s:b}", "at", at, "provider",
			column_text(&cols[2]), "identifier", column_text(&cols[3]), "result",
			column_text(&cols[4]), "reason", column_text(&cols[5]), "ip_address",
			column_text(&cols[6]), "user_agent", column_text(&cols[7]), "device_id",
			column_text(&cols[8]), "is_current", is_current);
	return json_array_append_new(listing->list, one) == 0 ? PINTLE_OK : PINTLE_INTERNAL;
}

static json_t *next_of(const struct listing *listing)
{
	char text[PLACE_MAX];

	if (listing->n_rows <= listing->limit)
		return json_null();
	(void)snprintf(text, sizeof(text), "%" PRId64 "-%" PRId64, listing->last.at_ms,
		       listing->last.id);
	return json_string(text);
}

/* The bound of at alone lets both dialects begin where the page begins (index login_logs_user). */
int32_t login_history(struct tx *tx, int64_t user_id, const char *current,
		      const struct login_page *page, json_t **out)
{
	struct listing listing = { .current = current, .limit = page->limit, .list = json_array() };
	struct pintle_value at = db_int(page->before.at_ms);
	int32_t status =
		db_each(tx,
			"SELECT id, at, provider, identifier, result, reason, ip, user_agent,"
			" device_id, session_id FROM login_logs"
			" WHERE user_id = ? AND at <= ? AND (at < ? OR id < ?)"
			" ORDER BY at DESC, id DESC LIMIT ?",
			DB_PARAMS(db_int(user_id), at, at, db_int(page->before.id),
				  db_int(page->limit + 1)),
			list_row, &listing);

	*out = NULL;
	if (status == PINTLE_OK)
		*out = json_pack("{s:o s:o}", "logins", listing.list, "next", next_of(&listing));
	else
		json_decref(listing.list);
	return status;
}
