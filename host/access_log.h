/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One JSON line a request, through a ring and a writer thread: the loop never waits for a disk. Lines
 * that do not fit are dropped and counted. Reopened when the file was moved away.
 */
#ifndef ACCESS_LOG_H
#define ACCESS_LOG_H

#include "err.h"

#include <stddef.h>
#include <stdint.h>

struct access_log;
struct http_answer;
struct request;

struct access_log *access_log_new(const char *path, struct err *err); /* "": no log, "-": stdout */
void access_log_free(struct access_log *log);                         /* writes what waits */
/* [loop] time, id, client, method, route, status, bytes, latency, error, user. Of the request only what does not
 * change after dispatch is read: a worker may still have it. user may be NULL. */
void access_log_request(struct access_log *log, const struct request *request,
			const struct http_answer *answer, const char *user, int64_t latency_us);
uint64_t access_log_n_dropped(const struct access_log *log);

#endif
