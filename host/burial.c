/* SPDX-License-Identifier: Apache-2.0 */
/* A walk in pages over the rows that an index leads to: revoked, and not yet ended by themselves. */
#include "burial.h"

#include "clock.h"
#include "column.h"
#include "utf8.h"

#include <pintle/status.h>

#define PAGE 200
#define MAX_PAGES 100
#define TIMEOUT_MS 10000 /* for a page in both stores */
#define LATELY_MS (24 * INT64_C(3600000))

struct page {
	char ids[PAGE][SESSION_ID_MAX];
	size_t n_ids;
	int64_t since_ms;
	size_t n_rows;
	struct burial end;
};

static int32_t read_row(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	struct page *page = ctx;

	(void)n_cols;
	page->n_rows++;
	page->end = (struct burial){ column_int(&cols[1]), column_int(&cols[2]) };
	if (column_int(&cols[3]) >= page->since_ms)
		utf8_copy(page->ids[page->n_ids++], SESSION_ID_MAX, column_text(&cols[0]));
	return PINTLE_OK;
}

static int32_t read_page(struct tx *tx, const struct burial *from, struct page *page)
{
	int64_t now_ms = clock_now_ms();
	int64_t end_ms = from->end_ms > now_ms ? from->end_ms : now_ms;

	*page = (struct page){ .since_ms = now_ms - LATELY_MS };
	return db_each(
		tx,
		"SELECT session_id, absolute_expires_at, id, updated_at FROM user_sessions"
		" WHERE status = 'revoked' AND absolute_expires_at >= ?"
		" AND (absolute_expires_at > ? OR id > ?)"
		" ORDER BY absolute_expires_at, id LIMIT ?",
		DB_PARAMS(db_int(end_ms), db_int(end_ms), db_int(from->row_id), db_int(PAGE)),
		read_row, page);
}

static int32_t bury_unburied(const struct kv *kv, const struct settings *settings,
			     char id[SESSION_ID_MAX], int64_t deadline_ms)
{
	char(*one)[SESSION_ID_MAX] = (char(*)[SESSION_ID_MAX])id;
	const struct session_ids ids = { one, 1 };
	struct arena arena = { 0 };
	char key[SESSION_ID_MAX + 2];
	struct pintle_kv_request request;
	struct kv_result present;
	struct session session;
	int32_t status;

	session_key(id, key);
	request = kv_get(key);
	status = kv_do(kv, &request, deadline_ms, &arena, &present);
	if (status == PINTLE_NOT_FOUND ||
	    (status == PINTLE_OK && session_decode(&session, present.value, present.value_len) &&
	     session.status == SESSION_ACTIVE))
		status = session_bury(kv, settings, &ids, deadline_ms);
	arena_fini(&arena);
	return status;
}

static int32_t run_page(struct burial *burial, const struct db *db, const struct kv *kv,
			const struct settings *settings, bool *is_last_out)
{
	struct tx tx = { .db = db, .deadline_ms = clock_mono_ms() + TIMEOUT_MS };
	struct page page;
	int32_t status = read_page(&tx, burial, &page);

	for (size_t i = 0; status == PINTLE_OK && i < page.n_ids; i++)
		status = bury_unburied(kv, settings, page.ids[i], tx.deadline_ms);
	if (status != PINTLE_OK)
		return status;
	*is_last_out = page.n_rows < PAGE;
	*burial = page.end;
	if (*is_last_out)
		*burial = (struct burial){ 0 }; /* the next run begins anew */
	return PINTLE_OK;
}

int32_t burial_run(struct burial *burial, const struct db *db, const struct kv *kv,
		   const struct settings *settings, const _Atomic bool *must_stop)
{
	int32_t status = PINTLE_OK;
	bool is_last = false;

	for (int i = 0; i < MAX_PAGES && status == PINTLE_OK && !is_last; i++) {
		if (atomic_load(must_stop))
			return PINTLE_OK;
		status = run_page(burial, db, kv, settings, &is_last);
	}
	return status;
}
