/* SPDX-License-Identifier: Apache-2.0 */
/* What a browser that came by itself is shown: pages and redirects of ops, and how an error looks there. */
#ifndef PAGE_H
#define PAGE_H

#include "slice.h"

#include <stdbool.h>

struct request;

/* What an op has said in place of the envelope; zeroed: nothing. Texts are in the call's arena. */
struct page {
	int status; /* HTTP */
	const char *type;
	struct slice body;
	const char *location; /* of a redirect; NULL: a page */
};

/* [any] Whether text can be the value of a header. */
bool page_is_header_value(const char *text);
/* Makes page the answer of request. */
void page_answer(struct request *request, const struct page *page);
/* Whether the error that request is answered is to be a page, since its client would rather have one than
 * JSON; and that page. */
bool page_shows_error(const struct request *request);
void page_of_error(struct request *request);

#endif
