/* SPDX-License-Identifier: Apache-2.0 */
/* The sessions of an account, as its owner sees them. */
#include "session.h"

#include "clock.h"
#include "column.h"

#include <pintle/status.h>

struct listing {
	const char *current;
	json_t *list;
};

static json_t *time_of(const struct pintle_value *col)
{
	char text[CLOCK_TEXT_MAX];

	clock_text(column_int(col), text);
	return json_string(text);
}

static int32_t list_row(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	struct listing *listing = ctx;
	const char *id = cols[0].ptr;
	bool is_current = listing->current && strcmp(id, listing->current) == 0;
	json_t *one =
		json_pack("{s:s s:s? s:s? s:s? s:s? s:s? s:s? s:s? s:o s:o s:o s:b}", "session_id",
			  id, "platform", column_text(&cols[1]), "device_id", column_text(&cols[2]),
			  "device_type", column_text(&cols[3]), "app_version",
			  column_text(&cols[4]), "user_agent", column_text(&cols[5]), "ip_address",
			  column_text(&cols[6]), "location", column_text(&cols[7]), "created_at",
			  time_of(&cols[8]), "last_active_at", time_of(&cols[9]), "expires_at",
			  time_of(&cols[10]), "is_current", is_current);

	(void)n_cols;
	return json_array_append_new(listing->list, one) == 0 ? PINTLE_OK : PINTLE_INTERNAL;
}

int32_t session_list(struct tx *tx, const char *realm, int64_t subject_id, const char *current,
		     json_t **out)
{
	struct listing listing = { current, json_array() };
	int32_t status =
		db_each(tx,
			"SELECT session_id, platform, device_id, device_type, app_version,"
			" user_agent, ip_address, location, created_at, last_active_at,"
			" refresh_expires_at FROM user_sessions"
			" WHERE realm = ? AND subject_id = ? AND status = 'active'"
			" AND refresh_expires_at > ? ORDER BY last_active_at DESC, id DESC",
			DB_PARAMS(db_text(realm), db_int(subject_id), db_int(clock_now_ms())),
			list_row, &listing);

	*out = NULL;
	if (status == PINTLE_OK)
		*out = listing.list;
	else
		json_decref(listing.list);
	return status;
}
