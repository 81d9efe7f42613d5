/* SPDX-License-Identifier: Apache-2.0 */
/* A scanner of SQL words, and on it the few statements that say what columns a table has. */
#include "tables.h"

#include "slice.h"
#include "xalloc.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SHOWN_MAX 60 /* bytes of a statement in an error */

/* ---- Words ---- */

enum kind {
	END,  /* of the text */
	WORD, /* a name, quoted or not, a word of the language, a number */
	TEXT, /* in single quotes */
	MARK  /* any other byte */
};

struct token {
	enum kind kind;
	struct slice text;
};

static const char *skip_blank(const char *at)
{
	for (;;) {
		at += strspn(at, " \t\r\n");
		if (strncmp(at, "--", 2) == 0) {
			at += strcspn(at, "\n");
		} else if (strncmp(at, "/*", 2) == 0) {
			const char *end = strstr(at + 2, "*/");

			at = end ? end + 2 : at + strlen(at);
		} else {
			return at;
		}
	}
}

static bool is_word_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$' || (c & 0x80);
}

/* A doubled quote is two texts side by side, which nobody here can tell from one. */
static struct token quoted(const char **at, char quote)
{
	struct token token = { quote == '\'' ? TEXT : WORD, { *at + 1, 0 } };

	while (token.text.ptr[token.text.len] && token.text.ptr[token.text.len] != quote)
		token.text.len++;
	*at = token.text.ptr + token.text.len;
	if (**at)
		(*at)++;
	return token;
}

static struct token next(const char **at)
{
	struct token token = { END, { NULL, 0 } };

	*at = skip_blank(*at);
	if (**at == '\'' || **at == '"' || **at == '`')
		return quoted(at, **at);
	token.text.ptr = *at;
	if (is_word_byte(**at)) {
		token.kind = WORD;
		while (is_word_byte((*at)[token.text.len]))
			token.text.len++;
	} else if (**at) {
		token.kind = MARK;
		token.text.len = 1;
	}
	*at += token.text.len;
	return token;
}

static bool is_word(struct token token, const char *word)
{
	return token.kind == WORD && token.text.len == strlen(word) &&
	       strncasecmp(token.text.ptr, word, token.text.len) == 0;
}

static bool is_one_of(struct token token, const char *const *words)
{
	for (; *words; words++) {
		if (is_word(token, *words))
			return true;
	}
	return false;
}

static bool is_mark(struct token token, char mark)
{
	return token.kind == MARK && token.text.ptr[0] == mark;
}

/* Takes the next word when it is this one. */
static bool take_word(const char **at, const char *word)
{
	const char *ahead = *at;

	if (!is_word(next(&ahead), word))
		return false;
	*at = ahead;
	return true;
}

static void skip_statement(const char **at)
{
	struct token token;

	do
		token = next(at);
	while (token.kind != END && !is_mark(token, ';'));
}

/* ---- Columns ---- */

/* What stands between two commas of a table. */
struct item {
	struct token first;
	bool is_primary;
	struct slice inner; /* the first word in parentheses, and how many there are */
	size_t n_inner;
	char end; /* ',', ')' or ';', or 0 at the end of the text */
};

static void note_word(struct item *item, struct token token, int depth)
{
	if (depth == 0 && is_word(token, "PRIMARY"))
		item->is_primary = true;
	if (depth == 1 && item->n_inner++ == 0)
		item->inner = token.text;
}

static struct item read_item(const char **at)
{
	struct item item = { .first = next(at) };
	struct token token = item.first;
	int depth = 0;

	for (; token.kind != END; token = next(at)) {
		item.end = token.kind == MARK ? token.text.ptr[0] : '\0';
		if (token.kind == WORD)
			note_word(&item, token, depth);
		if (item.end == ';' || (depth == 0 && (item.end == ',' || item.end == ')')))
			return item;
		depth += (item.end == '(') - (item.end == ')');
	}
	item.end = '\0';
	return item;
}

static size_t find_column(const struct table *table, struct slice name)
{
	for (size_t i = 0; i < table->n_columns; i++) {
		if (slice_is(name, table->columns[i]))
			return i;
	}
	return SIZE_MAX;
}

/* A column, or a constraint, of which only the primary key matters. */
static bool add_item(struct tables *tables, struct table *table, const struct item *item)
{
	static const char *const constraints[] = { "PRIMARY", "UNIQUE", "FOREIGN", "CONSTRAINT",
						   "CHECK",   "KEY",    "INDEX",   NULL };
	bool is_column = !is_one_of(item->first, constraints);

	if (item->first.kind != WORD || (is_column && table->n_columns == TABLE_COLUMNS_MAX))
		return false;
	if (is_column)
		table->columns[table->n_columns++] =
			arena_copy(&tables->arena, item->first.text.ptr, item->first.text.len);
	if (item->is_primary && is_column)
		table->key = table->n_columns - 1;
	else if (item->is_primary)
		table->key = item->n_inner == 1 ? find_column(table, item->inner) : SIZE_MAX;
	return true;
}

/* ---- Statements ---- */

static bool create_table(struct tables *tables, const char *owner, const char **at)
{
	struct token name;
	struct table *table;
	struct item item;

	if (take_word(at, "IF") && (!take_word(at, "NOT") || !take_word(at, "EXISTS")))
		return false;
	name = next(at);
	if (name.kind != WORD || !is_mark(next(at), '('))
		return false;
	tables->items = xrealloc(tables->items, (tables->n_items + 1) * sizeof(*tables->items));
	table = &tables->items[tables->n_items++];
	*table = (struct table){ .owner = owner, .key = SIZE_MAX };
	table->name = arena_copy(&tables->arena, name.text.ptr, name.text.len);
	do {
		item = read_item(at);
		if (!add_item(tables, table, &item))
			return false;
	} while (item.end == ',');
	skip_statement(at);
	return item.end == ')';
}

/* Only ADD of one thing. */
static bool alter_table(struct tables *tables, const char **at)
{
	struct token name = next(at);
	struct item item;

	if (name.kind != WORD || !take_word(at, "ADD"))
		return false;
	(void)take_word(at, "COLUMN");
	item = read_item(at);
	for (size_t i = 0; i < tables->n_items; i++) {
		struct table *table = &tables->items[i];

		if (slice_is(name.text, table->name))
			return (item.end == ';' || item.end == '\0') &&
			       add_item(tables, table, &item);
	}
	return false;
}

static bool read_statement(struct tables *tables, const char *owner, const char **at)
{
	/* Of these none gives a table another column. */
	static const char *const harmless[] = { "INSERT", "UPDATE", "DELETE", NULL };
	static const char *const beside[] = { "INDEX", "UNIQUE", "VIEW", NULL };
	struct token verb = next(at), what;
	const char *ahead = *at;

	if (is_mark(verb, ';'))
		return true;
	what = next(&ahead);
	if (is_word(what, "TABLE") && (is_word(verb, "CREATE") || is_word(verb, "ALTER"))) {
		*at = ahead;
		return is_word(verb, "CREATE") ? create_table(tables, owner, at)
					       : alter_table(tables, at);
	}
	skip_statement(at);
	return is_one_of(verb, harmless) ||
	       ((is_word(verb, "CREATE") || is_word(verb, "DROP")) && is_one_of(what, beside));
}

static bool read_step(struct tables *tables, const char *owner, const struct pintle_migration *step,
		      struct err *err)
{
	const char *at = skip_blank(step->sql);

	while (*at) {
		const char *statement = at;

		if (!read_statement(tables, owner, &at))
			return err_set(err,
				       "step %d (%s) of %s does to a table what is not understood "
				       "here: %.*s",
				       step->number, step->name, owner,
				       (int)strnlen(statement, SHOWN_MAX), statement);
		at = skip_blank(at);
	}
	return true;
}

bool tables_add(struct tables *tables, const char *owner, const struct pintle_migration *steps,
		size_t n_steps, const char *dialect, struct err *err)
{
	for (size_t i = 0; i < n_steps; i++) {
		if (strcmp(steps[i].dialect, dialect) == 0 &&
		    !read_step(tables, owner, &steps[i], err))
			return false;
	}
	return true;
}

/* ---- Looking ---- */

const struct table *tables_find(const struct tables *tables, const char *name)
{
	for (size_t i = 0; i < tables->n_items; i++) {
		if (strcmp(tables->items[i].name, name) == 0)
			return &tables->items[i];
	}
	return NULL;
}

static bool has_all(const struct table *a, const struct table *b, struct err *err)
{
	for (size_t i = 0; i < a->n_columns; i++) {
		if (find_column(b, slice_of(a->columns[i])) == SIZE_MAX)
			return err_set(err, "table %s of %s has a column %s in one dialect only",
				       a->name, a->owner, a->columns[i]);
	}
	return true;
}

static bool are_found(const struct tables *a, const struct tables *b, struct err *err)
{
	for (size_t i = 0; i < a->n_items; i++) {
		const struct table *one = &a->items[i], *other = tables_find(b, one->name);

		if (!other)
			return err_set(err, "table %s of %s is there in one dialect only",
				       one->name, one->owner);
		if (!has_all(one, other, err))
			return false;
	}
	return true;
}

bool tables_same(const struct tables *a, const struct tables *b, struct err *err)
{
	return are_found(a, b, err) && are_found(b, a, err);
}

void tables_fini(struct tables *tables)
{
	free(tables->items);
	arena_fini(&tables->arena);
	*tables = (struct tables){ 0 };
}
