/* SPDX-License-Identifier: Apache-2.0 */
#include "site.h"

#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUIET_MS 1000
#define LINE_MAX_LEN 512

static const size_t texts[] = {
	offsetof(struct conf, socket),   offsetof(struct conf, user),
	offsetof(struct conf, password), offsetof(struct conf, database),
	offsetof(struct conf, tls_ca),   offsetof(struct conf, tls_cert),
	offsetof(struct conf, tls_key),
};

static char **text_of(struct conf *conf, size_t i)
{
	return (char **)((char *)conf + texts[i]);
}

bool site_init(struct site *site, const struct pintle_host *host, struct pintle_inst *inst,
	       const struct conf *conf)
{
	bool ok = true;

	*site = (struct site){ .host = host, .inst = inst, .conf = *conf };
	site->conf.hosts = NULL;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char **text = text_of(&site->conf, i);

		*text = strdup(*text);
		ok = ok && *text;
	}
	return ok;
}

void site_fini(struct site *site)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char **text = text_of(&site->conf, i);

		if (*text)
			site->host->wipe(*text, strlen(*text));
		free(*text);
		*text = NULL;
	}
}

static void put_line(struct site *site, int32_t level, const char *fmt, va_list args)
{
	char text[LINE_MAX_LEN];

	(void)vsnprintf(text, sizeof(text), fmt, args);
	if (!atomic_load(&site->is_closed))
		site->host->log(site->inst, level, text);
}

void site_fault(struct site *site, const char *fmt, ...)
{
	int64_t now = site_now(site);
	int64_t until = atomic_load(&site->quiet_until_ms);
	va_list args;

	if (now < until ||
	    !atomic_compare_exchange_strong(&site->quiet_until_ms, &until, now + QUIET_MS))
		return;
	va_start(args, fmt);
	put_line(site, PINTLE_LOG_ERROR, fmt, args);
	va_end(args);
}

void site_log(struct site *site, int32_t level, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	put_line(site, level, fmt, args);
	va_end(args);
}

int64_t site_now(const struct site *site)
{
	return site->host->mono_ms();
}

int64_t site_deadline(const struct site *site, int64_t timeout_ms)
{
	const int64_t longest_ms = 24 * 3600 * (int64_t)1000;

	return site_now(site) + (timeout_ms < longest_ms ? timeout_ms : longest_ms);
}

struct timespec site_timespec(int64_t deadline_ms)
{
	return (struct timespec){ .tv_sec = deadline_ms / 1000,
				  .tv_nsec = deadline_ms % 1000 * 1000000 };
}

void site_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	(void)pthread_condattr_init(&attr); /* none of these fail on Linux */
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(cond, &attr);
	(void)pthread_condattr_destroy(&attr);
}

bool site_spawn(pthread_t *thread, void *(*run)(void *), void *arg)
{
	sigset_t all, before;
	bool ok;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	ok = pthread_create(thread, NULL, run, arg) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ok;
}
