/* SPDX-License-Identifier: Apache-2.0 */
/* The few pages a phone sees: plain HTML, in Chinese or English. */
#ifndef PAGE_H
#define PAGE_H

#include "wechat.h"

enum page_text {
	PAGE_NEED_WECHAT, /* it was not WeChat that opened the code */
	PAGE_CONFIRMED,
	PAGE_DENIED,
	PAGE_GONE, /* unknown, used, or over */
};

/* "Chrome, Windows": as much of a User-Agent as a person can tell a device by. */
void page_device(const char *user_agent, char *out, size_t out_len);
int32_t page_tell(const struct wechat *self, struct pintle_call *call, enum page_text text);
/* Whether to sign in what the flow's opener has, with a button for each answer; ticket is for the answer. */
int32_t page_ask(const struct wechat *self, struct pintle_call *call, const char *ticket);
/* [any] Whether the client would rather see a page than JSON. */
bool page_is_wanted(const struct wechat *self, struct pintle_call *call);

#endif
