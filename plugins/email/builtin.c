/* SPDX-License-Identifier: Apache-2.0 */
/* The mails of who has written none. No code in a subject: that is read on a locked screen. */
#include "templates.h"

#define HTML(lang, body)                                                                           \
	"<!DOCTYPE html>\n"                                                                        \
	"<html lang=\"" lang "\">\n"                                                               \
	"<body style=\"font-family: sans-serif; font-size: 16px; color: #222\">\n" body            \
	"</body>\n"                                                                                \
	"</html>\n"
#define CODE "<p style=\"font-size: 28px; letter-spacing: 6px\"><b>{{code}}</b></p>\n"

const char *const templates_builtin[TEMPLATE_LANGS][TEMPLATE_PARTS] = {
	{
		"您的验证码",
		"您好：\n"
		"\n"
		"您正在{{action}}，验证码是：\n"
		"\n"
		"    {{code}}\n"
		"\n"
		"验证码只能使用一次，几分钟后失效，请勿告诉他人。\n"
		"如果不是您本人操作，请忽略本邮件。\n",
		HTML("zh", "<p>您好：</p>\n"
			   "<p>您正在{{action}}，验证码是：</p>\n" CODE
			   "<p>验证码只能使用一次，几分钟后失效，请勿告诉他人。<br>\n"
			   "如果不是您本人操作，请忽略本邮件。</p>\n"),
	},
	{
		"Your code",
		"Hello,\n"
		"\n"
		"this is your code to {{action}}:\n"
		"\n"
		"    {{code}}\n"
		"\n"
		"It works once and for a few minutes. Do not tell it to anybody.\n"
		"If it was not you who asked for it, ignore this mail.\n",
		HTML("en",
		     "<p>Hello,</p>\n"
		     "<p>this is your code to {{action}}:</p>\n" CODE
		     "<p>It works once and for a few minutes. Do not tell it to anybody.<br>\n"
		     "If it was not you who asked for it, ignore this mail.</p>\n"),
	},
};
