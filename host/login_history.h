/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attempts to sign in to an account, as its owner sees them: newest first, a page at a time. An
 * attempt belongs to an account when it named it, whether it succeeded or not.
 */
#ifndef LOGIN_HISTORY_H
#define LOGIN_HISTORY_H

#include "db.h"

#include <jansson.h>

#define LOGIN_HISTORY_MAX 100    /* of a page */
#define LOGIN_HISTORY_DEFAULT 20 /* of a page nobody has said the size of */

/* A place between two attempts: what is older comes next. Times alone would not do, two attempts may
 * have the same. */
struct login_place {
	int64_t at_ms, id;
};

struct login_page {
	struct login_place before;
	int64_t limit; /* 1 to LOGIN_HISTORY_MAX */
};

/* The newest attempts of all. */
extern const struct login_place login_history_start;

/* [any] Text of the form that "next" of a page has; false when it is of no such form. */
bool login_history_place(const char *text, struct login_place *out);
/* [worker] {"logins": [{at, provider, result, …}], "next": text or null}; those of the session called current
 * (NULL: none) are marked. Owned by the caller. */
int32_t login_history(struct tx *tx, int64_t user_id, const char *current,
		      const struct login_page *page, json_t **out);

#endif
