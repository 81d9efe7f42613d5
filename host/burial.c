/* SPDX-License-Identifier: Apache-2.0 */
/* A walk in pages over the rows that an index leads to: revoked, and not yet ended by themselves. */
#include "burial.h"

#include "clock.h"
#include "column.h"
#include "utf8.h"

#include <pintle/status.h>
#include <string.h>

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

static bool is_unburied(const struct kv_op *look)
{
	struct session session;

	return look->status == PINTLE_NOT_FOUND ||
	       (look->status == PINTLE_OK &&
		session_decode(&session, look->result.value, look->result.value_len) &&
		session.status == SESSION_ACTIVE);
}

/* All that is to be looked at, at once, and then all that is to be buried. */
static int32_t bury_unburied(const struct kv *kv, const struct settings *settings,
			     struct page *page, int64_t deadline_ms)
{
	struct session_ids unburied = { page->ids, 0 };
	struct arena arena = { 0 };
	struct kv_list looks = { .arena = &arena };
	int32_t status, buried;

	for (size_t i = 0; i < page->n_ids; i++) {
		char key[SESSION_ID_MAX + 2];
		struct pintle_kv_request look;

		session_key(page->ids[i], key);
		look = kv_get(key);
		kv_list_add(&looks, &look);
	}
	status = kv_do_list(kv, &looks, deadline_ms);
	for (size_t i = 0; i < looks.n_ops; i++) {
		if (is_unburied(&looks.ops[i]))
			memmove(page->ids[unburied.n_ids++], page->ids[i], SESSION_ID_MAX);
	}
	buried = session_bury(kv, settings, &unburied, deadline_ms);
	arena_fini(&arena);
	return status == PINTLE_OK ? buried : status;
}

static int32_t run_page(struct burial *burial, const struct db *db, const struct kv *kv,
			const struct settings *settings, bool *is_last_out)
{
	struct tx tx = { .db = db, .deadline_ms = clock_mono_ms() + TIMEOUT_MS };
	struct page page;
	int32_t status = read_page(&tx, burial, &page);

	if (status == PINTLE_OK)
		status = bury_unburied(kv, settings, &page, tx.deadline_ms);
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
