/* SPDX-License-Identifier: Apache-2.0 */
#include "document.h"

#include "oauth2.h"
#include "upstream.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FRESH_MIN_MS (5 * 60 * 1000LL)
#define FRESH_MAX_MS (24 * 60 * 60 * 1000LL)
#define OLD_MAX_MS FRESH_MAX_MS /* of one that cannot be had again */
#define RETRY_MS 30000          /* between questions that failed, while there is an old one */
#define NEWER_MS 30000          /* between two of those who want a newer one */

struct document {
	pthread_mutex_t lock; /* guards all below; never held while somebody is asked */
	pthread_cond_t came;
	char *text;         /* NULL before the first one came */
	int64_t come_ms;    /* of the wall clock, as those below */
	int64_t fresh_ms;   /* until then it is not asked for again */
	int64_t renewed_ms; /* when somebody wanted a newer one last */
	bool is_asked;      /* somebody asks for it now */
	int32_t status;     /* how the last question ended, for those who did not ask it */
};

struct document *document_new(void)
{
	struct document *document = calloc(1, sizeof(*document));
	pthread_condattr_t attr;

	if (!document)
		return NULL;
	document->renewed_ms = INT64_MIN;
	(void)pthread_mutex_init(&document->lock, NULL); /* none of these fails in glibc */
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&document->came, &attr);
	(void)pthread_condattr_destroy(&attr);
	return document;
}

void document_free(struct document *document)
{
	if (!document)
		return;
	(void)pthread_cond_destroy(&document->came);
	(void)pthread_mutex_destroy(&document->lock);
	free(document->text);
	free(document);
}

/* ---- Asking ---- */

static int64_t between(int64_t least, int64_t value, int64_t most)
{
	if (value < least)
		return least;
	return value > most ? most : value;
}

/* Without the lock. */
static int32_t ask(const struct oauth2 *self, struct pintle_call *call, const char *url,
		   document_check *check, char **text_out, int64_t *max_age_ms_out)
{
	struct upstream_answer answer;
	const char *fault;
	int32_t status =
		upstream_ask(self, call, &(struct upstream_request){ .url = url }, &answer);

	*text_out = NULL;
	if (status != PINTLE_OK)
		return status;
	*max_age_ms_out = answer.max_age_ms;
	fault = answer.code == 200 ? check(self, answer.json) : "no document";
	if (fault)
		status = upstream_senseless(self, call, answer.code, fault);
	else
		*text_out = json_dumps(answer.json, JSON_COMPACT);
	json_decref(answer.json);
	if (status == PINTLE_OK && !*text_out)
		status = PINTLE_INTERNAL;
	return status;
}

/* With the lock, which is given away meanwhile. */
static int32_t ask_and_keep(const struct oauth2 *self, struct pintle_call *call,
			    struct document *document, const char *url, document_check *check)
{
	int64_t max_age_ms = 0, now_ms;
	char *text;
	int32_t status;

	document->is_asked = true;
	(void)pthread_mutex_unlock(&document->lock);
	status = ask(self, call, url, check, &text, &max_age_ms);
	now_ms = self->host->now_ms();
	(void)pthread_mutex_lock(&document->lock);
	if (text) {
		free(document->text);
		document->text = text;
		document->come_ms = now_ms;
		document->fresh_ms = now_ms + between(FRESH_MIN_MS, max_age_ms, FRESH_MAX_MS);
	} else {
		document->fresh_ms = now_ms + RETRY_MS;
	}
	document->is_asked = false;
	document->status = status;
	(void)pthread_cond_broadcast(&document->came);
	return status;
}

/* With the lock: how the question ended that somebody else has asked, which is over. */
static int32_t ended(const struct oauth2 *self, struct pintle_call *call,
		     const struct document *document)
{
	if (document->status != PINTLE_OK)
		self->host->detail(call, "the provider was asked by another request, in vain");
	return document->status;
}

/* With the lock. */
static int32_t wait_for(const struct oauth2 *self, struct pintle_call *call,
			struct document *document)
{
	int64_t left_ms = self->host->left_ms(call);
	struct timespec until;
	int rc = clock_gettime(CLOCK_MONOTONIC, &until);

	until.tv_sec += left_ms / 1000;
	until.tv_nsec += left_ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	while (document->is_asked && rc == 0)
		rc = pthread_cond_timedwait(&document->came, &document->lock, &until);
	if (!document->is_asked)
		return ended(self, call, document);
	self->host->detail(call, "the provider was asked by another request, in vain");
	return PINTLE_TIMEOUT;
}

/* ---- Having ---- */

static bool is_usable(const struct document *document, int64_t now_ms)
{
	return document->text && now_ms < document->come_ms + OLD_MAX_MS;
}

/* Not when the clock was set back. */
static bool is_fresh(const struct document *document, int64_t now_ms)
{
	return is_usable(document, now_ms) && now_ms >= document->come_ms &&
	       now_ms < document->fresh_ms;
}

static bool may_renew(struct document *document, int64_t now_ms)
{
	if (document->renewed_ms > now_ms - NEWER_MS && document->renewed_ms <= now_ms)
		return false;
	document->renewed_ms = now_ms;
	return true;
}

/* With the lock. */
static int32_t find(const struct oauth2 *self, struct pintle_call *call, struct document *document,
		    const char *url, document_check *check, bool wants_newer, char **text_out)
{
	int64_t now_ms = self->host->now_ms();
	bool is_old_fine = !wants_newer && is_usable(document, now_ms);
	int32_t status = PINTLE_OK;

	if (document->is_asked && !is_old_fine)
		status = wait_for(self, call, document);
	else if (!document->is_asked &&
		 (wants_newer ? may_renew(document, now_ms) : !is_fresh(document, now_ms)))
		status = ask_and_keep(self, call, document, url, check);
	else if (wants_newer)
		status = ended(self, call, document);
	if (status != PINTLE_OK && !is_old_fine)
		return status;
	*text_out = strdup(document->text);
	return *text_out ? PINTLE_OK : PINTLE_INTERNAL;
}

int32_t document_get(const struct oauth2 *self, struct pintle_call *call, struct document *document,
		     const char *url, document_check *check, bool wants_newer, json_t **out)
{
	char *text = NULL;
	int32_t status;

	*out = NULL;
	(void)pthread_mutex_lock(&document->lock);
	status = find(self, call, document, url, check, wants_newer, &text);
	(void)pthread_mutex_unlock(&document->lock);
	if (status != PINTLE_OK)
		return status;
	*out = json_loads(text, 0, NULL);
	free(text);
	return *out ? PINTLE_OK : PINTLE_INTERNAL;
}
