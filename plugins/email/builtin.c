/* SPDX-License-Identifier: Apache-2.0 */
/* The mails of who has written none. No code in a subject: that is read on a locked screen. */
#include "templates.h"

#define HTML(lang, body)                                                                           \
	"<!DOCTYPE html>\n"                                                                        \
	"<html lang=\"" lang "\">\n"                                                               \
	"<body style=\"font-family: sans-serif; font-size: 16px; color: #222\">\n" body            \
	"</body>\n"                                                                                \
	"</html>\n"

/* A mail from the sentences that differ by language; link is what stands between code and warning. */
#define TEXT(hello, says, link, rule, warning)                                                     \
	hello "\n\n" says "\n\n    {{code}}\n\n" link rule "\n" warning "\n"
#define TEXT_LINK(says) says "\n\n    {{link}}\n\n"
#define PAGE(lang, hello, says, link, rule, warning)                                               \
	HTML(lang, "<p>" hello "</p>\n<p>" says "</p>\n"                                           \
		   "<p style=\"font-size: 28px; letter-spacing: 6px\"><b>{{code}}</b></p>\n" link  \
		   "<p>" rule "<br>\n" warning "</p>\n")
#define PAGE_LINK(says) "<p>" says "<br>\n<a href=\"{{link}}\">{{link}}</a></p>\n"

#define ZH_HELLO "您好："
#define ZH_SAYS "您正在{{action}}，验证码是："
#define ZH_LINK "也可以打开此链接："
#define ZH_RULE "只能使用一次，{{minutes}} 分钟内有效，请勿告诉他人。"
#define ZH_WARNING "如果不是您本人操作，请忽略本邮件。"
#define EN_HELLO "Hello,"
#define EN_SAYS "this is your code to {{action}}:"
#define EN_LINK "Or follow this link:"
#define EN_RULE "It works once, within {{minutes}} min. Do not tell it to anybody."
#define EN_WARNING "If it was not you who asked for it, ignore this mail."

const char *const templates_builtin[2][TEMPLATE_LANGS][TEMPLATE_PARTS] = {
	{
		{ "您的验证码", TEXT(ZH_HELLO, ZH_SAYS, "", ZH_RULE, ZH_WARNING),
		  PAGE("zh", ZH_HELLO, ZH_SAYS, "", ZH_RULE, ZH_WARNING) },
		{ "Your code", TEXT(EN_HELLO, EN_SAYS, "", EN_RULE, EN_WARNING),
		  PAGE("en", EN_HELLO, EN_SAYS, "", EN_RULE, EN_WARNING) },
	},
	{
		{ "您的验证码", TEXT(ZH_HELLO, ZH_SAYS, TEXT_LINK(ZH_LINK), ZH_RULE, ZH_WARNING),
		  PAGE("zh", ZH_HELLO, ZH_SAYS, PAGE_LINK(ZH_LINK), ZH_RULE, ZH_WARNING) },
		{ "Your code", TEXT(EN_HELLO, EN_SAYS, TEXT_LINK(EN_LINK), EN_RULE, EN_WARNING),
		  PAGE("en", EN_HELLO, EN_SAYS, PAGE_LINK(EN_LINK), EN_RULE, EN_WARNING) },
	},
};

/* ---- Notices ---- */

#define NOTICE_TEXT(hello, says, warning) hello "\n\n" says "\n" warning "\n"
#define NOTICE_PAGE(lang, hello, says, warning)                                                    \
	HTML(lang, "<p>" hello "</p>\n<p>" says "<br>\n" warning "</p>\n")

#define ZH_NOTICE(subject, says)                                                                   \
	{                                                                                          \
		subject, NOTICE_TEXT(ZH_HELLO, says, ZH_ALARM),                                    \
			NOTICE_PAGE("zh", ZH_HELLO, says, ZH_ALARM)                                \
	}
#define EN_NOTICE(subject, says)                                                                   \
	{                                                                                          \
		subject, NOTICE_TEXT(EN_HELLO, says, EN_ALARM),                                    \
			NOTICE_PAGE("en", EN_HELLO, says, EN_ALARM)                                \
	}

#define ZH_CHANGED "您的账号已更换邮箱，{{email}} 不能再用于登录。"
#define ZH_ADDED "您的账号新增了一个邮箱，该邮箱可用于登录。"
#define ZH_REMOVED "您的账号移除了一个邮箱，该邮箱不能再用于登录。"
#define ZH_ALARM "如果不是您本人操作，请立即重置密码并联系我们。"
#define EN_CHANGED                                                                                 \
	"your account has another e-mail address now; {{email}} does not sign in any more."
#define EN_ADDED "your account has one more e-mail address, which signs in to it."
#define EN_REMOVED "an e-mail address of your account was removed; it does not sign in any more."
#define EN_ALARM "If it was not you, reset your password and tell us at once."

const char *const templates_notices[TEMPLATE_NOTICES][TEMPLATE_LANGS][TEMPLATE_PARTS] = {
	{ ZH_NOTICE("您的邮箱已更换", ZH_CHANGED),
	  EN_NOTICE("Your e-mail address was changed", EN_CHANGED) },
	{ ZH_NOTICE("您的账号新增了邮箱", ZH_ADDED),
	  EN_NOTICE("Your account has one more e-mail address", EN_ADDED) },
	{ ZH_NOTICE("您的账号移除了邮箱", ZH_REMOVED),
	  EN_NOTICE("An e-mail address of your account was removed", EN_REMOVED) },
};
