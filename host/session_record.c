/* SPDX-License-Identifier: Apache-2.0 */
/* The kv record of a session as bytes: a version, then every member in one fixed order. Integers are
 * little-endian, texts have their length in two bytes before them. */
#include "session.h"

#include <assert.h>
#include <pintle/status.h>
#include <string.h>

#define RECORD_VERSION 1

/* The size of a record whose every text is full. */
#define FULL_TEXT(member) (2 + sizeof(((struct session *)0)->member) - 1)
_Static_assert(2 + 6 * sizeof(int64_t) + FULL_TEXT(id) + FULL_TEXT(realm) + FULL_TEXT(uuid) +
			       FULL_TEXT(user_type) + FULL_TEXT(name) + FULL_TEXT(platform) +
			       FULL_TEXT(roles) + FULL_TEXT(permissions) <=
		       SESSION_RECORD_MAX,
	       "any session fits a record");

struct writer {
	char *at;
};

static void put_int(struct writer *w, int64_t number, size_t size)
{
	for (size_t i = 0; i < size; i++)
		*w->at++ = (char)((uint64_t)number >> (8 * i) & 0xFF);
}

static void put_text(struct writer *w, const char *text)
{
	size_t len = strlen(text);

	put_int(w, (int64_t)len, 2);
	memcpy(w->at, text, len);
	w->at += len;
}

size_t session_encode(const struct session *session, char out[SESSION_RECORD_MAX])
{
	struct writer w = { out };

	put_int(&w, RECORD_VERSION, 1);
	put_int(&w, session->status, 1);
	put_int(&w, session->subject_id, 8);
	put_int(&w, session->permission_epoch, 8);
	put_int(&w, session->created_ms, 8);
	put_int(&w, session->expires_ms, 8);
	put_int(&w, session->absolute_ms, 8);
	put_int(&w, session->last_active_ms, 8);
	put_text(&w, session->id);
	put_text(&w, session->realm);
	put_text(&w, session->uuid);
	put_text(&w, session->user_type);
	put_text(&w, session->name);
	put_text(&w, session->platform);
	put_text(&w, session->roles);
	put_text(&w, session->permissions);
	return (size_t)(w.at - out);
}

/* After the first thing that does not fit, is_bad stays set and nothing more is read. */
struct reader {
	const unsigned char *at, *end;
	bool is_bad;
};

static int64_t take_int(struct reader *r, size_t size)
{
	uint64_t number = 0;

	if (r->is_bad || (size_t)(r->end - r->at) < size) {
		r->is_bad = true;
		return 0;
	}
	for (size_t i = 0; i < size; i++)
		number |= (uint64_t)*r->at++ << (8 * i);
	return (int64_t)number;
}

static void take_text(struct reader *r, char *out, size_t size)
{
	size_t len = (size_t)take_int(r, 2);

	if (r->is_bad || len >= size || (size_t)(r->end - r->at) < len || memchr(r->at, 0, len)) {
		r->is_bad = true;
		return;
	}
	memcpy(out, r->at, len);
	out[len] = '\0';
	r->at += len;
}

bool session_decode(struct session *session, const void *bytes, size_t len)
{
	struct reader r = { bytes, (const unsigned char *)bytes + len, false };

	memset(session, 0, sizeof(*session));
	if (len == 0 || take_int(&r, 1) != RECORD_VERSION)
		return false;
	session->status = (int32_t)take_int(&r, 1);
	session->subject_id = take_int(&r, 8);
	session->permission_epoch = take_int(&r, 8);
	session->created_ms = take_int(&r, 8);
	session->expires_ms = take_int(&r, 8);
	session->absolute_ms = take_int(&r, 8);
	session->last_active_ms = take_int(&r, 8);
	take_text(&r, session->id, sizeof(session->id));
	take_text(&r, session->realm, sizeof(session->realm));
	take_text(&r, session->uuid, sizeof(session->uuid));
	take_text(&r, session->user_type, sizeof(session->user_type));
	take_text(&r, session->name, sizeof(session->name));
	take_text(&r, session->platform, sizeof(session->platform));
	take_text(&r, session->roles, sizeof(session->roles));
	take_text(&r, session->permissions, sizeof(session->permissions));
	return !r.is_bad && r.at == r.end && session->status <= SESSION_REVOKED;
}

void session_key(const char *id, char out[SESSION_ID_MAX + 2])
{
	size_t len = strlen(id);

	assert(len < SESSION_ID_MAX);
	memcpy(out, "s:", 2);
	memcpy(out + 2, id, len + 1);
}

int32_t session_check(const struct session *session, int64_t now_ms)
{
	if (session->status != SESSION_ACTIVE || now_ms >= session->expires_ms ||
	    now_ms >= session->absolute_ms)
		return PINTLE_DENIED;
	return PINTLE_OK;
}

bool session_has_permission(const struct session *session, const char *permission)
{
	size_t len = strlen(permission);
	const char *at = session->permissions;

	if (len == 0)
		return false;
	for (;;) {
		size_t word_len = strcspn(at, ",");

		if (word_len == len && memcmp(at, permission, len) == 0)
			return true;
		if (at[word_len] == '\0')
			return false;
		at += word_len + 1;
	}
}
