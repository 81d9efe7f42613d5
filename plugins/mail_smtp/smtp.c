/* SPDX-License-Identifier: Apache-2.0 */
/*
 * curl speaks SMTP and stuffs the dots. Which command was refused it does not tell, so the conversation
 * is listened to.
 */
#include "smtp.h"

#include "mime.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CONNECT_MAX_MS 5000 /* so that a dead server leaves time for another gateway */
#define URL_MAX 640         /* a name has 253 bytes, and there are two */
#define RESOLVE_MAX 1024

enum stage { GREETING, AUTH, SENDER, RECIPIENT, CONTENT };

struct conversation {
	const struct smtp_mail *mail;
	size_t n_read;
	int is_all_out;   /* curl has all of the mail: from here on it may be accepted */
	int has_auth;     /* we have told who we are */
	int is_over;      /* we have said goodbye */
	enum stage stage; /* of the last command before that */
	char reply[16];   /* how the answer to it begins; empty: none came */
	int64_t end_ms;   /* monotonic */
};

static int64_t mono_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail */
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* ---- What curl calls ---- */

static size_t give_mail(char *out, size_t size, size_t n, void *arg)
{
	struct conversation *talk = arg;
	size_t len = talk->mail->len - talk->n_read;

	if (len > size * n)
		len = size * n;
	memcpy(out, talk->mail->text + talk->n_read, len);
	talk->n_read += len;
	if (len == 0) { /* the dot that ends it comes next */
		talk->is_all_out = 1;
		*talk->reply = '\0';
	}
	return len;
}

static void note_command(struct conversation *talk, const char *line, size_t len)
{
	static const struct {
		const char *start;
		enum stage stage;
	} commands[] = {
		{ "AUTH ", AUTH },
		{ "MAIL FROM:", SENDER },
		{ "RCPT TO:", RECIPIENT },
		{ "DATA\r\n", CONTENT },
	};

	talk->is_over = len >= 4 && memcmp(line, "QUIT", 4) == 0;
	if (talk->is_over)
		return;
	*talk->reply = '\0';
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		size_t n = strlen(commands[i].start);

		if (len >= n && memcmp(line, commands[i].start, n) == 0)
			talk->stage = commands[i].stage;
	}
	talk->has_auth |= talk->stage == AUTH;
}

static int listen_in(CURL *easy, curl_infotype type, char *line, size_t len, void *arg)
{
	struct conversation *talk = arg;

	(void)easy;
	if (type == CURLINFO_HEADER_OUT)
		note_command(talk, line, len);
	else if (type == CURLINFO_HEADER_IN && !talk->is_over)
		(void)snprintf(talk->reply, sizeof(talk->reply), "%.*s", (int)len, line);
	return 0;
}

/* Not all of curl's waits look at its own time-out: the one for the answer to QUIT does not. */
static int is_late(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct conversation *talk = arg;

	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return mono_ms() >= talk->end_ms;
}

/* ---- What it means ---- */

/* The class of an enhanced status code (RFC 3463): 1 address, 2 mailbox, 7 policy …; '\0' without one. */
static char reply_class(const char *reply)
{
	return strlen(reply) >= 8 && reply[4] == reply[0] && reply[5] == '.' && reply[7] == '.'
		       ? reply[6]
		       : '\0';
}

/* A policy is rather about us than about the recipient: for another gateway to try. */
static int32_t judge_recipient(const char *reply)
{
	long code = strtol(reply, NULL, 10);
	char class = reply_class(reply);

	if (code >= 500 && class != '7' &&
	    (class == '1' || class == '2' || (code >= 550 && code <= 553) || code == 556))
		return PINTLE_INVALID;
	if (code == 450 || (code > 400 && code < 500 && class == '2'))
		return PINTLE_LIMITED;
	return PINTLE_UNAVAILABLE;
}

static int32_t judge(const struct conversation *talk, const struct smtp_server *server,
		     CURLcode result)
{
	if (result == CURLE_OK || (talk->is_all_out && talk->reply[0] == '2'))
		return PINTLE_OK;
	if (talk->is_all_out && *talk->reply == '\0')
		return PINTLE_TIMEOUT;
	if (*server->user && !talk->has_auth)
		return PINTLE_UNAVAILABLE; /* whatever it says then is said to a stranger */
	if (talk->stage == RECIPIENT && *talk->reply >= '4')
		return judge_recipient(talk->reply);
	return PINTLE_UNAVAILABLE;
}

/* Of a reply only the codes: its text may name the recipient. */
static void explain(const struct conversation *talk, const struct smtp_server *server,
		    CURLcode result, char why[SMTP_WHY_MAX])
{
	static const char *const stages[] = { "connecting", "AUTH", "MAIL", "RCPT", "DATA" };
	int n_digits = (int)strspn(talk->reply, "0123456789");

	if (*server->user && !talk->has_auth && talk->stage > AUTH)
		(void)snprintf(why, SMTP_WHY_MAX, "the server offers no AUTH that fits");
	else if (n_digits == 3 && reply_class(talk->reply))
		(void)snprintf(why, SMTP_WHY_MAX, "%s: the server answered %.3s %.5s",
			       stages[talk->stage], talk->reply, talk->reply + 4);
	else if (n_digits == 3 && talk->reply[0] >= '4')
		(void)snprintf(why, SMTP_WHY_MAX, "%s: the server answered %.3s",
			       stages[talk->stage], talk->reply);
	else
		(void)snprintf(why, SMTP_WHY_MAX, "%s: %s", stages[talk->stage],
			       curl_easy_strerror(result));
}

/* ---- The transfer ---- */

#define SET(option, value) (curl_easy_setopt(easy, option, value) == CURLE_OK)

static const char *left_bracket(const char *host)
{
	return strchr(host, ':') ? "[" : "";
}

static const char *right_bracket(const char *host)
{
	return strchr(host, ':') ? "]" : "";
}

/* The path of the URL is the name we greet with. */
static int set_url(CURL *easy, const struct smtp_server *server, const char *from)
{
	char url[URL_MAX];

	(void)snprintf(url, sizeof(url), "%s://%s%s%s:%lld/%s",
		       server->tls == SMTP_IMPLICIT ? "smtps" : "smtp", left_bracket(server->host),
		       server->host, right_bracket(server->host), (long long)server->port,
		       mime_domain(from));
	return SET(CURLOPT_URL, url);
}

/* The environment's proxy is not ours to follow. A connection is never shared, so that it ends here. */
static int set_rules(CURL *easy, const struct smtp_server *server)
{
	return SET(CURLOPT_PROTOCOLS_STR, "smtp,smtps") && SET(CURLOPT_PROXY, "") &&
	       SET(CURLOPT_NOSIGNAL, 1L) && SET(CURLOPT_FORBID_REUSE, 1L) &&
	       SET(CURLOPT_USE_SSL,
		   (long)(server->tls == SMTP_PLAIN ? CURLUSESSL_NONE : CURLUSESSL_ALL)) &&
	       SET(CURLOPT_SSL_VERIFYPEER, 1L) && SET(CURLOPT_SSL_VERIFYHOST, 2L) &&
	       SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
	       (!*server->ca_file ||
		(SET(CURLOPT_CAINFO, server->ca_file) && SET(CURLOPT_CAPATH, NULL))) &&
	       (!*server->user ||
		(SET(CURLOPT_USERNAME, server->user) && SET(CURLOPT_PASSWORD, server->password)));
}

static int set_times(CURL *easy, struct conversation *talk, int64_t timeout_ms)
{
	long connect_ms = (long)(timeout_ms < CONNECT_MAX_MS ? timeout_ms : CONNECT_MAX_MS);

	talk->end_ms = mono_ms() + timeout_ms;
	return SET(CURLOPT_TIMEOUT_MS, (long)timeout_ms) &&
	       SET(CURLOPT_CONNECTTIMEOUT_MS, connect_ms) && SET(CURLOPT_NOPROGRESS, 0L) &&
	       SET(CURLOPT_XFERINFOFUNCTION, is_late) && SET(CURLOPT_XFERINFODATA, talk);
}

/* No length is told: curl then asks for more once all is sent, and that is how we know. */
static int set_mail(CURL *easy, struct conversation *talk, const struct curl_slist *recipients)
{
	return SET(CURLOPT_MAIL_FROM, talk->mail->from) && SET(CURLOPT_MAIL_RCPT, recipients) &&
	       SET(CURLOPT_UPLOAD, 1L) && SET(CURLOPT_READFUNCTION, give_mail) &&
	       SET(CURLOPT_READDATA, talk) && SET(CURLOPT_VERBOSE, 1L) &&
	       SET(CURLOPT_DEBUGFUNCTION, listen_in) && SET(CURLOPT_DEBUGDATA, talk);
}

/* "host:port:address,address": curl's own look-up could outlast its time-out. */
static struct curl_slist *resolved(const struct smtp_server *server)
{
	char line[RESOLVE_MAX], *end = line + sizeof(line);
	const char *at = server->addresses;
	char *to = line +
		   snprintf(line, sizeof(line), "%s:%lld:", server->host, (long long)server->port);
	char separator = '\0';

	while (*at && end - to > 64) {
		int len = (int)strcspn(at, " ");
		int is_ipv6 = memchr(at, ':', (size_t)len) != NULL;

		if (separator)
			*to++ = separator;
		to += snprintf(to, (size_t)(end - to), is_ipv6 ? "[%.*s]" : "%.*s", len, at);
		separator = ',';
		at += len + (at[len] == ' ');
	}
	return curl_slist_append(NULL, line);
}

int32_t smtp_send(const struct smtp_server *server, const struct smtp_mail *mail,
		  int64_t timeout_ms, char why[SMTP_WHY_MAX])
{
	struct conversation talk = { .mail = mail };
	struct curl_slist *recipients = curl_slist_append(NULL, mail->to);
	struct curl_slist *addresses = resolved(server);
	CURL *easy = curl_easy_init();
	int32_t status = PINTLE_INTERNAL;
	CURLcode result;

	*why = '\0';
	if (!recipients || !addresses || !easy || !set_url(easy, server, mail->from) ||
	    !set_rules(easy, server) || !set_times(easy, &talk, timeout_ms) ||
	    !set_mail(easy, &talk, recipients) || !SET(CURLOPT_RESOLVE, addresses))
		goto out;
	result = curl_easy_perform(easy);
	status = judge(&talk, server, result);
	if (status != PINTLE_OK)
		explain(&talk, server, result, why);
out:
	curl_easy_cleanup(easy);
	curl_slist_free_all(recipients);
	curl_slist_free_all(addresses);
	return status;
}
