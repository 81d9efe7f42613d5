/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is accepted has valid, unique names, and reads the same when each line is made too long for inih
 * by a comment, so that the two readers of a line cannot drift apart.
 */
#include "conf_line.h"
#include "log.h"
#include "xalloc.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define COMMENT_LEN 256

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len);

static bool read_bytes(struct conf *conf, char *bytes, size_t len)
{
	struct err err = { "" };
	bool ok;

	*conf = (struct conf){ 0 };
	ok = conf_line_read_bytes(conf, conf_add_file(conf, "x.ini"), bytes, len, &err);
	assert(ok || strncmp(err.text, "x.ini:", 6) == 0);
	return ok;
}

/* The input with " ;xxx…" before every line end; the caller frees. */
static char *lengthen(const char *input, size_t len, size_t *len_out)
{
	char *longer = xcalloc(len + 1, COMMENT_LEN + 1);
	size_t at = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i == len || input[i] == '\n') {
			memset(longer + at, 'x', COMMENT_LEN);
			memcpy(longer + at, " ;", 2);
			at += COMMENT_LEN;
		}
		if (i < len)
			longer[at++] = input[i];
	}
	*len_out = at;
	return longer;
}

static void check(const struct conf *conf, const struct conf *other)
{
	assert(conf->n_sections == other->n_sections);
	for (size_t i = 0; i < conf->n_sections; i++) {
		const struct conf_section *a = &conf->sections[i], *b = &other->sections[i];

		assert(strcmp(a->name, b->name) == 0 && a->n_keys == b->n_keys);
		assert(conf_section(conf, a->name) == a);
		for (size_t j = 0; j < a->n_keys; j++) {
			assert(strlen(a->keys[j].name) <= CONF_NAME_MAX);
			assert(conf_key(a, a->keys[j].name) == &a->keys[j]);
			assert(strcmp(a->keys[j].name, b->keys[j].name) == 0);
			assert(strcmp(a->keys[j].value, b->keys[j].value) == 0);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
	struct conf conf, other;
	size_t longer_len;
	char *bytes, *longer;

	/* Other white space than blanks is dropped at a line's end and refused inside. */
	if (len > 4096 || memchr(input, '\r', len) || memchr(input, '\f', len) ||
	    memchr(input, '\v', len))
		return 0;
	log_init("fuzz", LOG_ERROR);
	bytes = xcalloc(1, len + 1);
	memcpy(bytes, input, len);
	longer = lengthen(bytes, len, &longer_len);
	if (read_bytes(&conf, bytes, len)) {
		assert(read_bytes(&other, longer, longer_len));
		check(&conf, &other);
	} else {
		assert(!read_bytes(&other, longer, longer_len));
	}
	conf_fini(&conf);
	conf_fini(&other);
	free(bytes);
	free(longer);
	return 0;
}
