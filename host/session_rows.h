/* SPDX-License-Identifier: Apache-2.0 */
/* What session.c, session_end.c and session_rotate.c share; nobody else's. [worker] */
#ifndef SESSION_ROWS_H
#define SESSION_ROWS_H

#include "session.h"

#define SESSION_REALM_USER "user"

struct session_row {
	struct session session;
	int64_t generation, rotated_ms;
};

/* The row of id; NOT_FOUND. */
int32_t session_row_read(struct tx *tx, const char *id, struct session_row *out);
/* A session of a person is worth what their account is: DENIED when that is frozen or deleted. Takes
 * over the account's present name and type. */
int32_t session_owner_check(struct tx *tx, struct session *session);

/* Collects ids; session_ids_add is for db_each, over a first column session_id. */
struct session_collector {
	struct arena *arena;
	struct session_ids *ids;
	size_t n_room;
};
int32_t session_ids_add(void *collector, const struct pintle_value *cols, size_t n_cols);

#endif
