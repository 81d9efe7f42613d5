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
/* [any] Whether an error is to be a page: a browser may come here, and this client would rather have one
 * than JSON. */
bool page_is_preferred(const struct request *request);
/* Makes the page of the error that request is answered its answer. */
void page_of_error(struct request *request);

/* [any] That page without a request: its type, headers, and body. */
#define PAGE_ERROR_MAX 1024
extern const char page_html_type[], page_html_headers[];
struct slice page_error_body(char body[PAGE_ERROR_MAX], const char *error, const char *lang,
			     const char *id);

#endif
