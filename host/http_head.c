/* SPDX-License-Identifier: Apache-2.0 */
#include "http_head.h"

#include "ascii.h"

#include <strings.h>

/* In which parts of a head a byte may stand. */
enum { TOKEN = 1, PATH = 2, QUERY = 4, HOST = 8 };

static const unsigned char places[256] = {
	['0' ... '9'] = TOKEN | PATH | QUERY | HOST,
	['A' ... 'Z'] = TOKEN | PATH | QUERY | HOST,
	['a' ... 'z'] = TOKEN | PATH | QUERY | HOST,
	['-'] = TOKEN | PATH | QUERY | HOST,
	['.'] = TOKEN | PATH | QUERY | HOST,
	['_'] = TOKEN | PATH | QUERY | HOST,
	['!'] = TOKEN | PATH | QUERY,
	['$'] = TOKEN | PATH | QUERY,
	['&'] = TOKEN | PATH | QUERY,
	['\''] = TOKEN | PATH | QUERY,
	['*'] = TOKEN | PATH | QUERY,
	['+'] = TOKEN | PATH | QUERY,
	['~'] = TOKEN | PATH | QUERY,
	['%'] = TOKEN | QUERY,
	['#'] = TOKEN,
	['^'] = TOKEN,
	['`'] = TOKEN,
	['|'] = TOKEN,
	[':'] = PATH | QUERY | HOST,
	['/'] = PATH | QUERY,
	['('] = PATH | QUERY,
	[')'] = PATH | QUERY,
	[','] = PATH | QUERY,
	['='] = PATH | QUERY,
	['@'] = PATH | QUERY,
	[';'] = QUERY,
	['?'] = QUERY,
	['['] = QUERY | HOST,
	[']'] = QUERY | HOST,
};

/* What the header lines said; weighed once all are read. */
struct parse {
	struct http_head *head;
	bool has_host, says_close, says_keep_alive, says_upgrade, has_upgrade;
};

struct known_header {
	const char *name;
	bool is_single;
	int (*read)(struct parse *parse, struct slice value);
};

static const struct {
	const char *name;
	enum http_method method;
} methods[] = {
	{ "GET", HTTP_GET }, { "HEAD", HTTP_HEAD },     { "POST", HTTP_POST },
	{ "PUT", HTTP_PUT }, { "DELETE", HTTP_DELETE }, { "OPTIONS", HTTP_OPTIONS },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool stands_in(struct slice slice, unsigned place)
{
	for (size_t i = 0; i < slice.len; i++)
		if (!(places[(unsigned char)slice.ptr[i]] & place))
			return false;
	return true;
}

static bool slice_is_caseless(struct slice slice, const char *text)
{
	return slice.len == strlen(text) && strncasecmp(slice.ptr, text, slice.len) == 0;
}

/* Takes from rest what stands before separator, and the separator; false when there is none. */
static bool split(struct slice *rest, char separator, struct slice *out)
{
	const char *at = rest->len > 0 ? memchr(rest->ptr, separator, rest->len) : NULL;

	if (!at)
		return false;
	*out = (struct slice){ rest->ptr, (size_t)(at - rest->ptr) };
	rest->ptr = at + 1;
	rest->len -= out->len + 1;
	return true;
}

/* A bare CR stays in the line, where no part of a head allows it. */
static bool next_line(struct slice *rest, struct slice *line)
{
	if (!split(rest, '\n', line) || line->len == 0 || line->ptr[line->len - 1] != '\r')
		return false;
	line->len--;
	return true;
}

static enum http_method find_method(struct slice name)
{
	for (size_t i = 0; i < COUNT(methods); i++)
		if (slice_is(name, methods[i].name))
			return methods[i].method;
	return HTTP_OTHER;
}

/* Each segment but the last has a name, and none is "." or "..". */
static bool is_canonical(struct slice path)
{
	struct slice segment;

	if (path.len == 0 || path.ptr[0] != '/' || !stands_in(path, PATH))
		return false;
	path.ptr++;
	path.len--;
	while (split(&path, '/', &segment))
		if (segment.len == 0 || slice_is(segment, ".") || slice_is(segment, ".."))
			return false;
	return !slice_is(path, ".") && !slice_is(path, "..");
}

static int read_version(struct http_head *head, struct slice version)
{
	const char *text = version.ptr;

	if (version.len != 8 || memcmp(text, "HTTP/", 5) != 0 || text[6] != '.' || text[5] < '0' ||
	    text[5] > '9' || text[7] < '0' || text[7] > '9')
		return 400;
	if (text[5] != '1' || text[7] > '1')
		return 505;
	head->minor = text[7] - '0';
	return 0;
}

static int read_request_line(struct http_head *head, struct slice line)
{
	struct slice target;

	if (!split(&line, ' ', &head->method_name) || !split(&line, ' ', &target))
		return 400;
	if (head->method_name.len == 0 || !stands_in(head->method_name, TOKEN))
		return 400;
	head->method = find_method(head->method_name);
	head->query = (struct slice){ 0 };
	if (split(&target, '?', &head->path))
		head->query = target;
	else
		head->path = target;
	if (!is_canonical(head->path) || !stands_in(head->query, QUERY))
		return 400;
	return read_version(head, line);
}

static int read_host(struct parse *parse, struct slice value)
{
	parse->has_host = true;
	return value.len > 0 && stands_in(value, HOST) ? 0 : 400;
}

static int read_content_length(struct parse *parse, struct slice value)
{
	int64_t length = 0;

	if (value.len == 0)
		return 400;
	for (size_t i = 0; i < value.len; i++) {
		int digit = value.ptr[i] - '0';

		if (digit < 0 || digit > 9)
			return 400;
		if (__builtin_mul_overflow(length, 10, &length) ||
		    __builtin_add_overflow(length, digit, &length))
			length = INT64_MAX;
	}
	parse->head->content_length = length;
	parse->head->has_length = true;
	return 0;
}

static int read_transfer_encoding(struct parse *parse, struct slice value)
{
	if (value.len == 0)
		return 400;
	if (!slice_is_caseless(value, "chunked"))
		return 501;
	parse->head->is_chunked = true;
	return 0;
}

static int read_connection(struct parse *parse, struct slice value)
{
	struct slice option;
	bool has_more;

	do {
		has_more = split(&value, ',', &option);
		option = ascii_trim(has_more ? option : value);
		parse->says_close |= slice_is_caseless(option, "close");
		parse->says_keep_alive |= slice_is_caseless(option, "keep-alive");
		parse->says_upgrade |= slice_is_caseless(option, "upgrade");
	} while (has_more);
	return 0;
}

static int read_expect(struct parse *parse, struct slice value)
{
	if (!slice_is_caseless(value, "100-continue"))
		return 417;
	parse->head->expect_continue = parse->head->minor == 1;
	return 0;
}

static int read_upgrade(struct parse *parse, struct slice value)
{
	parse->has_upgrade = value.len > 0;
	return 0;
}

/* Those that frame a request or say who asks must not come twice: two readers could choose differently. */
static const struct known_header known_headers[] = {
	{ .name = "host", .is_single = true, .read = read_host },
	{ .name = "content-length", .is_single = true, .read = read_content_length },
	{ .name = "transfer-encoding", .is_single = true, .read = read_transfer_encoding },
	{ .name = "connection", .read = read_connection },
	{ .name = "expect", .is_single = true, .read = read_expect },
	{ .name = "upgrade", .read = read_upgrade },
	{ .name = "authorization", .is_single = true },
	{ .name = "content-type", .is_single = true },
	{ .name = "origin", .is_single = true },
};

static int read_known(struct parse *parse, const struct http_header *header)
{
	for (size_t i = 0; i < COUNT(known_headers); i++) {
		const struct known_header *known = &known_headers[i];

		if (!slice_is(header->name, known->name))
			continue;
		if (known->is_single && http_head_count(parse->head, known->name) > 1)
			return 400;
		return known->read ? known->read(parse, header->value) : 0;
	}
	return 0;
}

static bool is_value(struct slice value)
{
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.ptr[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static void lower(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] >= 'A' && text[i] <= 'Z')
			text[i] |= 0x20;
}

/* bytes is where line starts. */
static int read_header(struct parse *parse, struct slice line, char *bytes)
{
	struct http_head *head = parse->head;
	struct http_header header;

	if (!split(&line, ':', &header.name) || header.name.len == 0 ||
	    !stands_in(header.name, TOKEN))
		return 400;
	header.value = ascii_trim(line);
	if (!is_value(header.value))
		return 400;
	if (head->n_headers == HTTP_MAX_HEADERS)
		return 431;
	lower(bytes, header.name.len);
	head->headers[head->n_headers++] = header;
	return read_known(parse, &header);
}

static int weigh(const struct parse *parse)
{
	struct http_head *head = parse->head;
	bool has_body = head->is_chunked || head->content_length > 0;

	if (head->minor == 1 && !parse->has_host)
		return 400;
	if (head->is_chunked && (head->has_length || head->minor == 0))
		return 400;
	if (has_body && (head->method == HTTP_GET || head->method == HTTP_HEAD))
		return 400;
	head->keep_alive = !parse->says_close && (head->minor == 1 || parse->says_keep_alive);
	head->wants_upgrade = parse->says_upgrade && parse->has_upgrade && head->minor == 1 &&
			      head->method == HTTP_GET;
	return 0;
}

int http_head_parse(struct http_head *head, char *bytes, size_t len)
{
	struct parse parse = { .head = head };
	struct slice rest = { bytes, len }, line;
	int status;

	head->n_headers = 0;
	head->content_length = 0;
	head->has_length = head->is_chunked = head->expect_continue = false;
	if (!next_line(&rest, &line))
		return 400;
	status = read_request_line(head, line);
	while (status == 0) {
		if (!next_line(&rest, &line))
			return 400;
		if (line.len == 0)
			return rest.len == 0 ? weigh(&parse) : 400;
		status = read_header(&parse, line, bytes + (line.ptr - bytes));
	}
	return status;
}

ssize_t http_head_length(const char *bytes, size_t len, size_t searched)
{
	const char *from = bytes + searched, *end = bytes + len, *lf;

	while (from < end && (lf = memchr(from, '\n', (size_t)(end - from)))) {
		size_t at = (size_t)(lf - bytes);

		if (at < 2 || bytes[at - 1] != '\r')
			return -1;
		if (bytes[at - 2] == '\n')
			return (ssize_t)at + 1;
		from = lf + 1;
	}
	return 0;
}

size_t http_head_count(const struct http_head *head, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < head->n_headers; i++)
		n += slice_is(head->headers[i].name, name);
	return n;
}

struct slice http_head_get(const struct http_head *head, const char *name)
{
	struct slice found = { 0 };
	bool has_found = false;

	for (size_t i = 0; i < head->n_headers; i++) {
		if (!slice_is(head->headers[i].name, name))
			continue;
		if (has_found)
			return (struct slice){ 0 };
		found = head->headers[i].value;
		has_found = true;
	}
	return found;
}

bool http_head_join(const struct http_head *head, const char *name, char *out, size_t out_max,
		    size_t *len_out)
{
	size_t len = 0;
	bool has_found = false;

	for (size_t i = 0; i < head->n_headers; i++) {
		struct slice value = head->headers[i].value;

		if (!slice_is(head->headers[i].name, name))
			continue;
		if (value.len + has_found > out_max - len)
			return false;
		if (has_found)
			out[len++] = ',';
		if (value.len > 0)
			memcpy(out + len, value.ptr, value.len);
		len += value.len;
		has_found = true;
	}
	*len_out = len;
	return true;
}
