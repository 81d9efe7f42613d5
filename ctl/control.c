/* SPDX-License-Identifier: Apache-2.0 */
#include "control.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ASK_TIMEOUT_MS 10000L
#define ANSWER_MAX (16 * 1024 * 1024) /* bytes */

struct text {
	char *bytes;
	size_t len;
};

static size_t take(char *bytes, size_t size, size_t n, void *ctx)
{
	struct text *text = ctx;
	size_t len = size * n;
	char *grown;

	if (len > ANSWER_MAX - text->len)
		return 0;
	grown = realloc(text->bytes, text->len + len + 1);
	if (!grown)
		return 0;
	memcpy(grown + text->len, bytes, len);
	text->bytes = grown;
	text->len += len;
	grown[text->len] = '\0';
	return len;
}

/* By way of the directory's descriptor, since a socket's path has room for 107 bytes only. */
static bool socket_path(struct control *control, char *out, size_t out_len)
{
	if (control->dir_fd < 0)
		control->dir_fd = open(control->state_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	(void)snprintf(out, out_len, "/proc/self/fd/%d/control.sock", control->dir_fd);
	return control->dir_fd >= 0;
}

static void prepare(CURL *curl, const char *method, const char *path, const char *body)
{
	char url[2048];

	(void)snprintf(url, sizeof(url), "http://localhost%s", path);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, ASK_TIMEOUT_MS);
	if (body)
		curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, body);
}

static CURLcode exchange(struct control *control, const char *method, const char *path,
			 const char *body, struct text *answer)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	CURL *curl = curl_easy_init();
	CURLcode code = CURLE_COULDNT_CONNECT;
	char socket[64];

	if (!curl || !headers) {
		code = CURLE_OUT_OF_MEMORY;
		goto out;
	}
	if (!socket_path(control, socket, sizeof(socket)))
		goto out;
	prepare(curl, method, path, body);
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
	code = curl_easy_perform(curl);
out:
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	return code;
}

/* "Not found", or "A field is not valid: who required". */
static void note_refusal(struct control *control, const json_t *envelope)
{
	const char *message = json_string_value(json_object_get(envelope, "message"));
	const json_t *fields = json_object_get(envelope, "fields");
	size_t len, i;
	json_t *field;

	len = (size_t)snprintf(control->error, sizeof(control->error), "%s",
			       message ? message : "an answer that makes no sense");
	json_array_foreach(fields, i, field) {
		const char *name = json_string_value(json_object_get(field, "field"));
		const char *reason = json_string_value(json_object_get(field, "reason"));

		if (len < sizeof(control->error) && name && reason)
			len += (size_t)snprintf(control->error + len, sizeof(control->error) - len,
						"%s %s: %s", i ? "," : ":", name, reason);
	}
}

static enum control_result read_answer(struct control *control, const struct text *answer,
				       json_t **data_out)
{
	json_t *envelope = json_loads(answer->bytes ? answer->bytes : "", 0, NULL);
	bool is_good = json_is_true(json_object_get(envelope, "success"));

	if (is_good)
		*data_out = json_incref(json_object_get(envelope, "data"));
	else
		note_refusal(control, envelope);
	json_decref(envelope);
	return is_good ? CONTROL_OK : CONTROL_REFUSED;
}

enum control_result control_ask(struct control *control, const char *method, const char *path,
				json_t *body, json_t **data_out)
{
	struct text answer = { 0 };
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	CURLcode code = exchange(control, method, path, text, &answer);
	enum control_result result = CONTROL_GONE;

	*data_out = NULL;
	if (code == CURLE_OK)
		result = read_answer(control, &answer, data_out);
	else if (code == CURLE_COULDNT_CONNECT)
		(void)snprintf(control->error, sizeof(control->error),
			       "no pintled is running in %s", control->state_dir);
	else
		(void)snprintf(control->error, sizeof(control->error), "pintled in %s: %s",
			       control->state_dir, curl_easy_strerror(code));
	free(answer.bytes);
	free(text);
	json_decref(body);
	return result;
}

void control_fini(struct control *control)
{
	if (control->dir_fd >= 0)
		(void)close(control->dir_fd);
	control->dir_fd = -1;
}
