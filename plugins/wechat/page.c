/* SPDX-License-Identifier: Apache-2.0 */
#include "page.h"

#include <pintle/html.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MINUTE_MS 60000

/* ---- Words ---- */

struct words {
	const char *zh, *en;
};

static const struct {
	int32_t status;
	struct words title, text;
} tellings[] = {
	[PAGE_NEED_WECHAT] = { 200,
			       { "请使用微信扫码", "Scan it with WeChat" },
			       { "请打开微信，用“扫一扫”扫描屏幕上的二维码。",
				 "Open WeChat and scan the code on the screen with it." } },
	[PAGE_CONFIRMED] = { 200,
			     { "已确认", "Confirmed" },
			     { "您可以回到原来的设备继续操作，并关闭本页面。",
			       "Go on at the other device. You may close this page." } },
	[PAGE_DENIED] = { 200,
			  { "已取消", "Cancelled" },
			  { "没有任何登录发生，您可以关闭本页面。",
			    "Nobody was signed in. You may close this page." } },
	[PAGE_GONE] = { 410,
			{ "二维码已失效", "This code is not valid any more" },
			{ "请在原来的设备上刷新二维码，再重新扫描。",
			  "Get a new code at the other device and scan that." } },
};

static const char *say(const struct wechat *self, struct pintle_call *call,
		       const struct words *words)
{
	return strcmp(self->host->lang(call), "zh") == 0 ? words->zh : words->en;
}

/* ---- Writing ---- */

struct writer {
	FILE *file;
	char *html;
	size_t len;
};

static bool writer_init(struct writer *writer)
{
	*writer = (struct writer){ 0 };
	writer->file = open_memstream(&writer->html, &writer->len);
	return writer->file != NULL;
}

static int32_t writer_send(struct writer *writer, const struct wechat *self,
			   struct pintle_call *call, int32_t http_status)
{
	int32_t status = PINTLE_INTERNAL;

	pintle_page_end(writer->file);
	if (fclose(writer->file) == 0) /* the one place where the stream tells of an error */
		status = self->host->page(call, http_status, "text/html; charset=utf-8",
					  writer->html, writer->len);
	free(writer->html);
	return status;
}

int32_t page_tell(const struct wechat *self, struct pintle_call *call, enum page_text text)
{
	struct writer writer;

	if (!writer_init(&writer))
		return PINTLE_INTERNAL;
	pintle_page_begin(writer.file, self->host->lang(call),
			  say(self, call, &tellings[text].title));
	(void)fprintf(writer.file, "<p>%s</p>", say(self, call, &tellings[text].text));
	return writer_send(&writer, self, call, tellings[text].status);
}

/* ---- Asking ---- */

static void put_fact(FILE *out, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	(void)fprintf(out, "<dt>%s</dt><dd>", name);
	pintle_put_html(out, value);
	(void)fputs("</dd>", out);
}

/* The moment by UTC and how long ago that was: a phone and a server need not share a time zone. */
static void put_moment(FILE *out, const struct wechat *self, struct pintle_call *call)
{
	static const struct words name = { "时间", "Time" }, ago = { " 分钟前", " min ago" };
	const char *kept = self->host->kept(call, "begun_ms");
	long long begun_ms = strtoll(kept ? kept : "0", NULL, 10);
	long long minutes = (self->host->now_ms() - begun_ms) / MINUTE_MS;
	time_t seconds = (time_t)(begun_ms / 1000);
	char moment[32], whole[96];
	struct tm tm;

	(void)gmtime_r(&seconds, &tm);
	(void)strftime(moment, sizeof(moment), "%Y-%m-%d %H:%M:%S", &tm);
	(void)snprintf(whole, sizeof(whole), "%s UTC (%lld%s)", moment, minutes,
		       say(self, call, &ago));
	put_fact(out, say(self, call, &name), whole);
}

static void put_facts(FILE *out, const struct wechat *self, struct pintle_call *call)
{
	static const struct {
		const char *kept;
		struct words name;
	} facts[] = {
		{ "device", { "设备", "Device" } },
		{ "address", { "网络地址", "Address" } },
		{ "nickname", { "微信", "WeChat" } },
		{ "account", { "将绑定到账号", "To be linked with the account" } },
	};

	(void)fputs("<dl>", out);
	for (size_t i = 0; i < PINTLE_N(facts); i++)
		put_fact(out, say(self, call, &facts[i].name),
			 self->host->kept(call, facts[i].kept));
	put_moment(out, self, call);
	(void)fputs("</dl>", out);
}

static void put_form(FILE *out, const struct wechat *self, struct pintle_call *call,
		     const char *action)
{
	static const struct words warning = {
		"只有您本人正在该设备上操作时才能确认。如果不是，请取消。",
		"Confirm only if it is you who is at that device now. If not, cancel."
	};
	static const struct words yes = { "确认", "Confirm" }, no = { "取消", "Cancel" };

	(void)fprintf(out, "<p>%s</p><form method=\"post\" action=\"", say(self, call, &warning));
	pintle_put_html(out, action);
	(void)fprintf(out,
		      "\"><button name=\"action\" value=\"confirm\">%s</button> "
		      "<button class=\"quiet\" name=\"action\" value=\"cancel\">%s</button></form>",
		      say(self, call, &yes), say(self, call, &no));
}

int32_t page_ask(const struct wechat *self, struct pintle_call *call, const char *ticket)
{
	static const struct words login = { "确认登录？", "Sign in?" };
	static const struct words bind = { "确认绑定微信？", "Link this WeChat?" };
	bool is_bind = self->host->purpose(call) == PINTLE_BIND;
	const char *action = url_scan(self, call, ticket);
	struct writer writer;

	if (!action || !writer_init(&writer))
		return PINTLE_INTERNAL;
	pintle_page_begin(writer.file, self->host->lang(call),
			  say(self, call, is_bind ? &bind : &login));
	put_facts(writer.file, self, call);
	put_form(writer.file, self, call, action);
	return writer_send(&writer, self, call, 200);
}

bool page_is_wanted(const struct wechat *self, struct pintle_call *call)
{
	const char *accept = self->host->header(call, "accept");

	return accept && strstr(accept, "text/html");
}

/* ---- Devices ---- */

static const char *const systems[] = { "HarmonyOS", "Windows",  "Android", "iPhone",
				       "iPad",      "Mac OS X", "Linux",   NULL };
/* The first that fits: browsers like to say that they are others, too. */
static const char *const browsers[] = { "MicroMessenger", "Edg",    "OPR",  "Firefox",
					"Chrome",         "Safari", "curl", NULL };

static size_t find_word(const char *text, const char *const *words)
{
	size_t i = 0;

	while (words[i] && !strstr(text, words[i]))
		i++;
	return i;
}

void page_device(const char *user_agent, char *out, size_t out_len)
{
	const char *browser = browsers[find_word(user_agent, browsers)];
	const char *system = systems[find_word(user_agent, systems)];

	if (!browser && !system)
		(void)snprintf(out, out_len, "?");
	else
		(void)snprintf(out, out_len, "%s%s%s", browser ? browser : "",
			       browser && system ? ", " : "", system ? system : "");
}
