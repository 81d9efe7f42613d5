/* SPDX-License-Identifier: Apache-2.0 */
#include "accept.h"

#include <strings.h>

/* Cuts the next part off *rest, without the blanks around it. */
static struct slice take_part(struct slice *rest, char end)
{
	const char *at = memchr(rest->ptr, end, rest->len);
	struct slice part = { rest->ptr, at ? (size_t)(at - rest->ptr) : rest->len };
	size_t taken = part.len + (at != NULL);

	rest->ptr += taken;
	rest->len -= taken;
	while (part.len > 0 && *part.ptr == ' ') {
		part.ptr++;
		part.len--;
	}
	while (part.len > 0 && part.ptr[part.len - 1] == ' ')
		part.len--;
	return part;
}

/* "1", "0.8", "0.333"; anything else is no wish. */
static int thousandths(struct slice text)
{
	int value = 0, unit = 1000;

	for (size_t i = 0; i < text.len; i++) {
		if (i == 1 && text.ptr[i] == '.')
			continue;
		if (text.ptr[i] < '0' || text.ptr[i] > '9' || unit == 0)
			return 0;
		value += (text.ptr[i] - '0') * unit;
		unit /= 10;
	}
	return value <= 1000 ? value : 0;
}

static int q_of(struct slice params)
{
	while (params.len > 0) {
		struct slice param = take_part(&params, ';');

		if (param.len > 2 && strncasecmp(param.ptr, "q=", 2) == 0)
			return thousandths((struct slice){ param.ptr + 2, param.len - 2 });
	}
	return 1000;
}

int accept_q(struct slice accept, const char *type)
{
	while (accept.len > 0) {
		struct slice range = take_part(&accept, ',');
		struct slice name = take_part(&range, ';');

		if (name.len == strlen(type) && strncasecmp(name.ptr, type, name.len) == 0)
			return q_of(range);
	}
	return 0;
}
