/* SPDX-License-Identifier: Apache-2.0 */
#include "cases.h"

#include "file.h"
#include "words.h"
#include "xalloc.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (1 << 20)

struct reader {
	struct cases *cases;
	const char *path;
	int line;
	struct err *err;
	struct play *play; /* NULL before the first case */
	struct step *call; /* what indented lines belong to; NULL */
	bool is_expecting; /* indented lines are expectations */
};

static bool fail(struct reader *r, const char *why)
{
	return err_set(r->err, "%s:%d: %s", r->path, r->line, why);
}

static char *trim(char *text)
{
	size_t len;

	while (isspace((unsigned char)*text))
		text++;
	len = strlen(text);
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		len--;
	text[len] = '\0';
	return text;
}

/* Cuts the next word off *text. */
static char *next_word(char **text)
{
	char *word = trim(*text);
	size_t len = strcspn(word, " \t");

	*text = word + len;
	if (word[len]) {
		word[len] = '\0';
		*text = trim(word + len + 1);
	}
	return word;
}

/* "name = value", or "name ~ pattern" where that may stand; the pattern keeps its sign. */
static bool read_pair(struct reader *r, char *text, bool may_match, struct pairs *out)
{
	char *at = strpbrk(text, may_match ? "=~" : "="), *name, *value;

	if (!at)
		return fail(r, may_match ? "name = value or name ~ pattern is missing"
					 : "name = value is missing");
	name = xstrndup(text, (size_t)(at - text));
	value = xstrdup(*at == '~' ? at : trim(at + 1));
	pairs_add(out, trim(name), value);
	free(name);
	free(value);
	return true;
}

static struct step *add_step(struct reader *r, enum step_kind kind, char *rest)
{
	struct play *play = r->play;
	struct step *step;

	play->steps = xrealloc(play->steps, (play->n_steps + 1) * sizeof(*play->steps));
	step = &play->steps[play->n_steps++];
	*step = (struct step){ .kind = kind, .line = r->line, .rest = xstrdup(rest) };
	r->call = NULL;
	return step;
}

static bool read_case(struct reader *r, const char *title)
{
	struct cases *cases = r->cases;

	if (!*title)
		return fail(r, "a case needs a title");
	cases->plays = xrealloc(cases->plays, (cases->n_plays + 1) * sizeof(*cases->plays));
	r->play = &cases->plays[cases->n_plays++];
	*r->play = (struct play){ .title = xstrdup(title), .line = r->line };
	r->call = NULL;
	return true;
}

static bool read_expect(struct reader *r, const char *word)
{
	if (!r->call || r->is_expecting)
		return fail(r, "expect follows an op");
	r->call->status = words_status_of(word);
	r->call->has_status = true;
	r->is_expecting = true;
	return r->call->status >= 0 || fail(r, "no such status");
}

static bool read_survived(struct reader *r, char *rest)
{
	if (!r->call)
		return fail(r, "survives follows an op");
	while (*rest) {
		char *service = next_word(&rest), *number = strchr(service, '#');

		if (number)
			*number++ = '\0';
		pairs_add(&r->call->survived, service, number ? number : "*");
	}
	return true;
}

static bool read_step(struct reader *r, char *first, char *rest)
{
	static const struct {
		const char *word;
		enum step_kind kind;
	} kinds[] = {
		{ "account", STEP_ACCOUNT }, { "user", STEP_USER },   { "http", STEP_HTTP },
		{ "prove", STEP_PROVE },     { "sql", STEP_SQL },     { "clock", STEP_CLOCK },
		{ "begin", STEP_CALL },      { "verify", STEP_CALL }, { "bind", STEP_CALL },
		{ "unbind", STEP_CALL },     { "poll", STEP_CALL },   { "callback", STEP_CALL },
		{ "describe", STEP_CALL },   { "send", STEP_CALL },   { "receipt", STEP_CALL },
		{ "probe", STEP_CALL },      { "op", STEP_CALL },     { "event", STEP_CALL },
		{ "authorize", STEP_CALL },  { "record", STEP_CALL }, { "release", STEP_CALL },
		{ "max_age", STEP_MAX_AGE },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct step *step;
		size_t n = 0;

		if (strcmp(kinds[i].word, first) != 0)
			continue;
		step = add_step(r, kinds[i].kind, rest);
		if (kinds[i].kind == STEP_CALL) {
			step->words[n++] = xstrdup(first);
			r->call = step;
			r->is_expecting = false;
		}
		while (*rest && n < STEP_WORDS)
			step->words[n++] = xstrdup(next_word(&rest));
		return true;
	}
	return fail(r, "no such word");
}

static bool read_line(struct reader *r, char *line)
{
	bool is_indented = isspace((unsigned char)*line);
	char *rest = trim(line), *first;

	if (*rest == '\0' || *rest == '#')
		return true;
	if (is_indented && !r->call)
		return fail(r, "an indented line belongs to an op");
	if (is_indented)
		return read_pair(r, rest, r->is_expecting,
				 r->is_expecting ? &r->call->expected : &r->call->fields);
	first = next_word(&rest);
	if (strcmp(first, "conf") == 0)
		return read_pair(r, rest, false, r->play ? &r->play->conf : &r->cases->conf);
	if (strcmp(first, "case") == 0)
		return read_case(r, rest);
	if (strcmp(first, "trusts") == 0) {
		pairs_add(&r->cases->trusted, rest, "");
		return true;
	}
	if (!r->play)
		return fail(r, "a case comes first");
	if (strcmp(first, "expect") == 0)
		return read_expect(r, rest);
	if (strcmp(first, "survives") == 0)
		return read_survived(r, rest);
	return read_step(r, first, rest);
}

bool cases_read(struct cases *cases, const char *path, struct err *err)
{
	struct reader r = { .cases = cases, .path = path, .err = err };
	char *text, *rest, *line;
	bool ok = true;
	mode_t mode;
	size_t len;

	*cases = (struct cases){ 0 };
	text = file_read(path, FILE_MAX, &len, &mode, err);
	if (!text)
		return false;
	rest = text;
	while (ok && (line = strsep(&rest, "\n"))) {
		r.line++;
		ok = read_line(&r, line);
	}
	free(text);
	if (!ok)
		cases_fini(cases);
	return ok;
}

static void fini_step(struct step *step)
{
	for (size_t i = 0; i < STEP_WORDS; i++)
		free(step->words[i]);
	free(step->rest);
	pairs_fini(&step->fields);
	pairs_fini(&step->expected);
	pairs_fini(&step->survived);
}

void cases_fini(struct cases *cases)
{
	for (size_t i = 0; i < cases->n_plays; i++) {
		struct play *play = &cases->plays[i];

		for (size_t j = 0; j < play->n_steps; j++)
			fini_step(&play->steps[j]);
		free(play->steps);
		free(play->title);
		pairs_fini(&play->conf);
	}
	free(cases->plays);
	pairs_fini(&cases->conf);
	pairs_fini(&cases->trusted);
	*cases = (struct cases){ 0 };
}
