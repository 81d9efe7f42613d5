/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transfers run in one curl multi on the loop. A worker builds the easy handle, posts it and waits; a
 * transfer has two holders, the worker and the loop, since either may be the last to need it.
 */
#include "http_client.h"

#include "clock.h"
#include "http_age.h"
#include "xalloc.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX 65536    /* when the request names no limit */
#define CONNECT_MAX_MS 5000 /* so that a dead upstream leaves time for another one */
#define LATE_MS 200         /* for curl to say itself that the time is over */

struct http_client {
	struct loop *loop;
	CURLM *multi;
	struct event *timer;        /* made at first use */
	struct transfer *transfers; /* those in multi */
};

struct transfer {
	struct transfer *next, *prev; /* [loop] */
	struct http_client *client;
	CURL *easy;
	struct curl_slist *headers;
	size_t max_answer;
	_Atomic int n_refs;
	pthread_mutex_t lock; /* guards what follows, until is_done */
	pthread_cond_t ended;
	bool is_done;
	int32_t status;
	long code;
	char *body;
	size_t body_len;
	int64_t max_age_ms;
	struct err why;
	char said[CURL_ERROR_SIZE]; /* by curl: more than its code tells */
};

static void unref(struct transfer *transfer)
{
	if (atomic_fetch_sub(&transfer->n_refs, 1) > 1)
		return;
	curl_easy_cleanup(transfer->easy);
	curl_slist_free_all(transfer->headers);
	if (transfer->body)
		explicit_bzero(transfer->body, transfer->body_len);
	free(transfer->body);
	pthread_cond_destroy(&transfer->ended);
	pthread_mutex_destroy(&transfer->lock);
	free(transfer);
}

/* ---- On the loop ---- */

/* An upstream that may have seen the request may have acted on it, also one that answers with more than we
 * take. */
static int32_t judge(const struct transfer *transfer, CURLcode result)
{
	long n_sent = 0;

	if (result == CURLE_OK)
		return PINTLE_OK;
	if (curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &n_sent) != CURLE_OK)
		return PINTLE_INTERNAL;
	return n_sent > 0 ? PINTLE_TIMEOUT : PINTLE_UNAVAILABLE;
}

static void note_why(struct transfer *transfer, CURLcode result)
{
	const char *said = *transfer->said ? transfer->said : curl_easy_strerror(result);
	long number = 0;

	(void)curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &number); /* else it is 0 */
	(void)err_set(&transfer->why, "%s%s%s", said, number ? ": " : "",
		      number ? strerror((int)number) : "");
}

static void finish(struct transfer *transfer, CURLcode result)
{
	struct http_client *client = transfer->client;

	(void)curl_multi_remove_handle(client->multi, transfer->easy); /* it is in there */
	if (transfer->next)
		transfer->next->prev = transfer->prev;
	if (transfer->prev)
		transfer->prev->next = transfer->next;
	else
		client->transfers = transfer->next;

	pthread_mutex_lock(&transfer->lock);
	transfer->status = judge(transfer, result);
	note_why(transfer, result);
	(void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &transfer->code);
	transfer->max_age_ms = http_age_left_ms(transfer->easy);
	transfer->is_done = true;
	pthread_cond_signal(&transfer->ended);
	pthread_mutex_unlock(&transfer->lock);
	unref(transfer);
}

static void finish_ended(struct http_client *client)
{
	CURLMsg *message;
	int n_left;

	while ((message = curl_multi_info_read(client->multi, &n_left))) {
		char *transfer = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
		finish((struct transfer *)(void *)transfer, message->data.result);
	}
}

static void act(struct http_client *client, curl_socket_t fd, int what)
{
	int n_running;

	(void)curl_multi_socket_action(client->multi, fd, what, &n_running); /* ends are messages */
	finish_ended(client);
}

static void on_ready(evutil_socket_t fd, short events, void *arg)
{
	int what = 0;

	if (events & EV_READ)
		what |= CURL_CSELECT_IN;
	if (events & EV_WRITE)
		what |= CURL_CSELECT_OUT;
	act(arg, fd, what);
}

static void on_time(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

/* curl wants to know of a socket. The event must be gone before curl closes the descriptor. */
static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *watched)
{
	struct http_client *client = arg;
	struct event *event = watched;
	short events = EV_PERSIST;

	(void)easy;
	if (event)
		event_free(event);
	if (what == CURL_POLL_REMOVE)
		return 0;
	if (what & CURL_POLL_IN)
		events |= EV_READ;
	if (what & CURL_POLL_OUT)
		events |= EV_WRITE;
	event = event_new(loop_base(client->loop), fd, events, on_ready, client);
	if (!event)
		out_of_memory();
	(void)curl_multi_assign(client->multi, fd, event);
	return event_add(event, NULL);
}

/* Only sets the clock: curl must not be called from inside its own callback. */
static int set_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct http_client *client = arg;
	struct timeval wait = { .tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000 };

	(void)multi;
	if (!client->timer)
		client->timer = evtimer_new(loop_base(client->loop), on_time, client);
	if (!client->timer)
		out_of_memory();
	return timeout_ms < 0 ? evtimer_del(client->timer) : evtimer_add(client->timer, &wait);
}

static void start(void *arg)
{
	struct transfer *transfer = arg;
	struct http_client *client = transfer->client;

	transfer->next = client->transfers;
	if (transfer->next)
		transfer->next->prev = transfer;
	client->transfers = transfer;
	if (curl_multi_add_handle(client->multi, transfer->easy) != CURLM_OK)
		finish(transfer, CURLE_FAILED_INIT);
}

static size_t take_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct transfer *transfer = arg;
	size_t len = size * n;

	if (len > transfer->max_answer - transfer->body_len)
		return CURL_WRITEFUNC_ERROR;
	transfer->body = xrealloc(transfer->body, transfer->body_len + len);
	memcpy(transfer->body + transfer->body_len, bytes, len);
	transfer->body_len += len;
	return len;
}

/* ---- On a worker ---- */

static bool set_headers(struct transfer *transfer, const char *const *headers)
{
	/* Without it curl waits up to a second for a 100 that few servers send. */
	transfer->headers = curl_slist_append(NULL, "Expect:");
	if (!transfer->headers)
		out_of_memory();
	for (; headers && *headers; headers++) {
		if (strpbrk(*headers, "\r\n") || !strchr(*headers, ':'))
			return false;
		if (!curl_slist_append(transfer->headers, *headers))
			out_of_memory();
	}
	return curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers) == CURLE_OK;
}

static bool set_method(CURL *easy, const struct pintle_request *request)
{
	bool ok = true;

	if (request->body) {
		ok = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
				      (curl_off_t)request->body_len) == CURLE_OK &&
		     curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, request->body) == CURLE_OK;
	}
	if (!request->method)
		return ok;
	if (strcmp(request->method, "HEAD") == 0)
		return ok && curl_easy_setopt(easy, CURLOPT_NOBODY, 1L) == CURLE_OK;
	return ok && curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method) == CURLE_OK;
}

/* What no request may change. The environment's proxy is not ours to follow. */
static bool set_rules(CURL *easy)
{
	return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) ==
		       CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) ==
		       CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_USERAGENT, "pintle") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
}

static bool set_request(struct transfer *transfer, const struct pintle_request *request,
			int64_t timeout_ms)
{
	CURL *easy = transfer->easy;
	long connect_ms = (long)(timeout_ms < CONNECT_MAX_MS ? timeout_ms : CONNECT_MAX_MS);

	return set_rules(easy) && set_headers(transfer, request->headers) &&
	       set_method(easy, request) &&
	       curl_easy_setopt(easy, CURLOPT_URL, request->url) == CURLE_OK &&
	       /* On a connection that turns out dead curl would send it once more. */
	       curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT,
				(request->flags & PINTLE_HTTP_ONCE) ? 1L : 0L) == CURLE_OK &&
	       (!request->ca_file ||
		(curl_easy_setopt(easy, CURLOPT_CAINFO, request->ca_file) == CURLE_OK &&
		 curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK)) && /* not besides */
	       curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE,
				(curl_off_t)transfer->max_answer) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->said) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer) == CURLE_OK;
}

static struct transfer *transfer_new(struct http_client *client,
				     const struct pintle_request *request)
{
	struct transfer *transfer = xcalloc(1, sizeof(*transfer));
	pthread_condattr_t attr;

	transfer->client = client;
	transfer->max_answer = request->max_answer > 0 ? (size_t)request->max_answer : ANSWER_MAX;
	transfer->n_refs = 1;
	transfer->easy = curl_easy_init();
	if (!transfer->easy)
		out_of_memory();
	pthread_mutex_init(&transfer->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&transfer->ended, &attr);
	pthread_condattr_destroy(&attr);
	return transfer;
}

/* TIMEOUT when the loop has not said how it ended: the request may be out. */
static int32_t wait_for(struct transfer *transfer, int64_t until_ms, struct err *why)
{
	struct timespec until = { .tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000 };
	int32_t status = PINTLE_TIMEOUT;
	int rc = 0;

	pthread_mutex_lock(&transfer->lock);
	while (!transfer->is_done && rc == 0)
		rc = pthread_cond_timedwait(&transfer->ended, &transfer->lock, &until);
	if (transfer->is_done)
		status = transfer->status;
	(void)err_set(why, "%s", transfer->is_done ? transfer->why.text : "the loop is late");
	pthread_mutex_unlock(&transfer->lock);
	return status;
}

int32_t http_client_do(struct http_client *client, struct arena *arena,
		       const struct pintle_request *request, int64_t deadline_ms,
		       struct pintle_answer *out, struct err *why)
{
	int64_t now_ms = clock_mono_ms(), timeout_ms = deadline_ms - now_ms;
	struct transfer *transfer;
	int32_t status = PINTLE_INTERNAL;

	(void)err_set(why, "curl does not take the request");
	if (timeout_ms <= 0) {
		(void)err_set(why, "no time was left");
		return PINTLE_UNAVAILABLE; /* nothing was sent */
	}
	if (request->timeout_ms > 0 && request->timeout_ms < timeout_ms)
		timeout_ms = request->timeout_ms;
	transfer = transfer_new(client, request);
	if (!set_request(transfer, request, timeout_ms))
		goto out;

	atomic_fetch_add(&transfer->n_refs, 1); /* the loop's */
	loop_post(client->loop, start, transfer);
	status = wait_for(transfer, now_ms + timeout_ms + LATE_MS, why);
	if (status != PINTLE_OK)
		goto out;
	out->code = (int32_t)transfer->code;
	out->body = arena_copy(arena, transfer->body, transfer->body_len);
	out->body_len = transfer->body_len;
	if (out->size >= offsetof(struct pintle_answer, max_age_ms) + sizeof(out->max_age_ms))
		out->max_age_ms = transfer->max_age_ms; /* older plugins have no room for it */
out:
	unref(transfer);
	return status;
}

/* ---- Both ends ---- */

struct http_client *http_client_new(struct loop *loop)
{
	struct http_client *client = xcalloc(1, sizeof(*client));

	client->loop = loop;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		out_of_memory();
	client->multi = curl_multi_init();
	if (!client->multi ||
	    curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, watch_socket) != CURLM_OK ||
	    curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client) != CURLM_OK ||
	    curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, set_timer) != CURLM_OK ||
	    curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client) != CURLM_OK)
		out_of_memory();
	return client;
}

void http_client_free(struct http_client *client)
{
	if (!client)
		return;
	while (client->transfers)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): finish takes it off the list */
		finish(client->transfers, CURLE_ABORTED_BY_CALLBACK);
	(void)curl_multi_cleanup(client->multi);
	if (client->timer)
		event_free(client->timer);
	free(client);
}
