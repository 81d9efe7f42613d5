/* SPDX-License-Identifier: Apache-2.0 */
/* The envelope, the closed list of errors, and the headers that go with them. */
#include "answer.h"

#include "host.h"
#include "json.h"
#include "page.h"
#include "request.h"
#include "text.h"

#include <assert.h>
#include <pintle/status.h>
#include <stdio.h>

#define RETRY_AFTER_FAULT_S 1

static const char json_content[] = "application/json; charset=utf-8";

struct error_name {
	const char *name;
	int http_status;
	const char *zh, *en;
};

static const struct error_name errors[] = {
	{ "bad_request", 400, "请求格式错误", "The request is malformed" },
	{ "unauthorized", 401, "请先登录", "Sign in first" },
	{ "invalid_token", 401, "登录已失效,请重新登录", "The token is not valid any more" },
	{ "invalid_code", 401, "验证码错误或已失效", "The code is wrong or no longer valid" },
	{ "invalid_credentials", 401, "账号或密码错误", "The account or the secret is wrong" },
	{ "forbidden", 403, "没有权限", "You may not do this" },
	{ "cross_site", 403, "请求来自其他网站", "The request comes from another site" },
	{ "account_frozen", 403, "账号已被冻结", "The account is frozen" },
	{ "other_not_proved", 403, "未能证明另一账号属于您",
	  "The other account was not proved to be yours" },
	{ "not_found", 404, "未找到", "Not found" },
	{ "method_not_allowed", 405, "不支持的请求方法", "The method is not allowed here" },
	{ "request_timeout", 408, "请求发送超时", "The request did not arrive in time" },
	{ "conflict", 409, "已存在", "It exists already" },
	{ "identity_taken", 409, "该身份已绑定其他账号",
	  "This identity belongs to another account" },
	{ "last_login_method", 409, "不能移除最后一种登录方式",
	  "The last way to sign in cannot be removed" },
	{ "flow_expired", 410, "流程已失效,请重新开始", "The flow has ended, start again" },
	{ "payload_too_large", 413, "请求内容过大", "The body is too large" },
	{ "unsupported_media_type", 415, "不支持的内容类型", "The content type is not supported" },
	{ "expectation_failed", 417, "不支持的 Expect 请求头", "The expectation is not supported" },
	{ "field_invalid", 422, "字段无效", "A field is missing or not valid" },
	{ "upgrade_required", 426, "此地址需要 WebSocket 连接", "This address is for WebSockets" },
	{ "rate_limited", 429, "操作过于频繁,请稍后再试", "Too many requests, try again later" },
	{ "head_too_large", 431, "请求头过大", "The request head is too large" },
	{ "internal", 500, "服务器内部错误", "Something went wrong on our side" },
	{ "encoding_not_supported", 501, "不支持的传输编码",
	  "The transfer encoding is not supported" },
	{ "provider_unavailable", 503, "该登录方式暂时不可用",
	  "This way to sign in is not available now" },
	{ "store_unavailable", 503, "服务暂时不可用", "The service is not available now" },
	{ "busy", 503, "服务繁忙,请稍后再试", "The service is busy, try again" },
	{ "timeout", 504, "处理超时", "It took too long" },
	{ "version_not_supported", 505, "不支持的 HTTP 版本", "The HTTP version is not supported" },
};

static const struct error_name *find_error(const char *name)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strcmp(errors[i].name, name) == 0)
			return &errors[i];
	return NULL;
}

const char *answer_message(const char *error, const char *lang)
{
	const struct error_name *found = find_error(error);

	if (!found)
		return NULL;
	return strcmp(lang, "zh") == 0 ? found->zh : found->en;
}

const char *answer_error_of(int http_status)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].http_status == http_status)
			return errors[i].name;
	return "bad_request";
}

void answer_ok(struct request *request, json_t *data)
{
	json_decref(request->answer.data);
	request->answer.status = 200;
	request->answer.error = NULL;
	request->answer.data = data;
}

void answer_error(struct request *request, const char *error)
{
	const struct error_name *found = find_error(error);

	assert(found);
	request->answer.status = found->http_status;
	request->answer.error = found->name;
	json_decref(request->answer.data);
	request->answer.data = NULL;
	if (found->http_status == 503 || found->http_status == 429)
		request->answer.retry_after_s = RETRY_AFTER_FAULT_S;
}

void answer_refusal(struct request *request, const char *error, json_t *data)
{
	answer_error(request, error);
	request->answer.data = data;
}

void answer_status(struct request *request, int32_t status)
{
	static const struct {
		int32_t status;
		const char *error;
	} map[] = {
		{ PINTLE_DENIED, "invalid_credentials" },
		{ PINTLE_EXPIRED, "flow_expired" },
		{ PINTLE_INVALID, "field_invalid" },
		{ PINTLE_NOT_FOUND, "not_found" },
		{ PINTLE_CONFLICT, "conflict" },
		{ PINTLE_LIMITED, "rate_limited" },
		{ PINTLE_FORBIDDEN, "forbidden" },
		{ PINTLE_UNAVAILABLE, "store_unavailable" },
		{ PINTLE_TIMEOUT, "store_unavailable" },
		{ PINTLE_BUSY, "busy" },
	};

	if (status == PINTLE_OK) {
		request->answer.status = 200;
		request->answer.error = NULL;
		return;
	}
	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
		if (map[i].status == status) {
			answer_error(request, map[i].error);
			return;
		}
	}
	answer_error(request, "internal");
}

void answer_invalid(struct request *request, const char *field, const char *reason)
{
	if (!request->answer.fields)
		request->answer.fields = json_array();
	(void)json_array_append_new(request->answer.fields,
				    json_pack("{s:s, s:s}", "field", field, "reason", reason));
	answer_error(request, "field_invalid");
}

void answer_limited(struct request *request, const struct limit_hit *hit)
{
	answer_error(request, "rate_limited");
	request->answer.limit = *hit;
	request->answer.retry_after_s = (hit->retry_ms + 999) / 1000;
	if (request->answer.retry_after_s < 1)
		request->answer.retry_after_s = 1;
}

void answer_header(struct request *request, const char *name, const char *value)
{
	const char *before = request->answer.headers ? request->answer.headers : "";
	size_t size = strlen(before) + strlen(name) + strlen(value) + sizeof(": \r\n");
	struct text lines = { .bytes = arena_alloc(&request->arena, size), .size = size };

	text_put(&lines, before);
	text_put(&lines, name);
	text_put(&lines, ": ");
	text_put(&lines, value);
	text_put(&lines, "\r\n");
	request->answer.headers = lines.bytes;
}

static void add_limit_headers(struct request *request)
{
	const struct limit_hit *limit = &request->answer.limit;

	answer_header(request, "RateLimit-Policy",
		      arena_printf(&request->arena, "\"%s\";q=%lld;w=%lld", limit->policy,
				   (long long)limit->quota, (long long)(limit->window_ms / 1000)));
	answer_header(request, "RateLimit",
		      arena_printf(&request->arena, "\"%s\";r=0;t=%lld", limit->policy,
				   (long long)request->answer.retry_after_s));
}

/* RFC 6750 3: without a token no error attribute. */
static void add_challenge(struct request *request)
{
	bool had_token = request->bearer.len > 0;

	answer_header(request, "WWW-Authenticate",
		      had_token ? "Bearer realm=\"pintle\", error=\"invalid_token\""
				: "Bearer realm=\"pintle\"");
}

static void add_headers(struct request *request)
{
	const struct answer *answer = &request->answer;

	answer_header(request, "X-Request-Id", request->id);
	if (answer->retry_after_s > 0)
		answer_header(
			request, "Retry-After",
			arena_printf(&request->arena, "%lld", (long long)answer->retry_after_s));
	if (answer->limit.policy)
		add_limit_headers(request);
	if (answer->status == 401 && !answer->raw)
		add_challenge(request);
}

static char *envelope(struct request *request)
{
	struct answer *answer = &request->answer;
	struct arena *arena = &request->arena;
	const char *data = answer->data ? json_text(arena, answer->data) : "null";

	if (!answer->error)
		return arena_printf(
			arena,
			"{\"code\":%d,\"success\":true,\"message\":\"success\",\"data\":%s,"
			"\"request_id\":\"%s\"}",
			answer->status, data, request->id);
	return arena_printf(arena,
			    "{\"code\":%d,\"success\":false,\"message\":\"%s\",\"error\":\"%s\","
			    "\"data\":%s%s%s,\"request_id\":\"%s\"}",
			    answer->status, answer_message(answer->error, request->lang),
			    answer->error, data, answer->fields ? ",\"fields\":" : "",
			    answer->fields ? json_text(arena, answer->fields) : "", request->id);
}

static void build_body(struct request *request, struct http_answer *out)
{
	struct answer *answer = &request->answer;

	if (answer->is_empty || (request->route && (request->route->flags & ROUTE_EMPTY)))
		return;
	if (answer->text_type) {
		out->content_type = answer->text_type;
		out->body = answer->text;
		out->is_lasting = answer->is_lasting;
		return;
	}
	out->content_type = json_content;
	out->body =
		slice_of(answer->raw ? json_text(&request->arena, answer->raw) : envelope(request));
}

void answer_build(struct request *request, struct http_answer *out)
{
	*out = (struct http_answer){ .status = request->answer.status,
				     .error = request->answer.error,
				     .take_over = request->answer.take_over,
				     .ctx = request->answer.take_over_ctx };
	if (request->answer.error && page_is_preferred(request))
		page_of_error(request);
	build_body(request, out);
	add_headers(request);
	out->extra = request->answer.headers;
}

static struct slice plain_envelope(struct answer_plain *plain)
{
	int len = snprintf(plain->body, sizeof(plain->body),
			   "{\"code\":%d,\"success\":false,\"message\":\"%s\",\"error\":\"%s\","
			   "\"data\":null,\"request_id\":\"%s\"}",
			   plain->status, answer_message(plain->error, plain->lang), plain->error,
			   plain->id);

	return (struct slice){ plain->body, (size_t)len };
}

void answer_plain(struct answer_plain *plain, struct http_answer *out)
{
	(void)snprintf(plain->headers, sizeof(plain->headers), "X-Request-Id: %s\r\n%s", plain->id,
		       plain->is_page ? page_html_headers : "");
	*out = (struct http_answer){ .status = plain->status,
				     .content_type = plain->is_page ? page_html_type : json_content,
				     .extra = plain->headers,
				     .error = plain->error };
	out->body = plain->is_page
			    ? page_error_body(plain->body, plain->error, plain->lang, plain->id)
			    : plain_envelope(plain);
}

void answer_fini(struct answer *answer)
{
	json_decref(answer->data);
	json_decref(answer->fields);
	json_decref(answer->raw);
}
