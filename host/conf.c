/* SPDX-License-Identifier: Apache-2.0 */
/* The sections and keys themselves, and the order in which conf.d is read. Lines are conf_line.c's. */
#include "conf.h"

#include "conf_line.h"
#include "conf_value.h"
#include "xalloc.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OVERRIDE_FILE "-o"

bool conf_fail(struct err *err, const struct conf_place *place, const char *fmt, ...)
{
	char where[512] = "", reason[ERR_MAX];
	size_t len = 0;
	va_list args;

	/* The precisions keep any text within where. */
	if (place->file)
		len = (size_t)snprintf(where, sizeof(where), "%.250s:", place->file);
	if (place->line > 0)
		len += (size_t)snprintf(where + len, sizeof(where) - len, "%d:", place->line);
	if (place->section)
		len += (size_t)snprintf(where + len, sizeof(where) - len, "%s[%.48s]%s",
					len > 0 ? " " : "", place->section, place->key ? "" : ":");
	if (place->key)
		(void)snprintf(where + len, sizeof(where) - len, " %.48s:", place->key);
	va_start(args, fmt);
	(void)vsnprintf(reason, sizeof(reason), fmt, args);
	va_end(args);
	return err_set(err, "%s%s%s", where, *where ? " " : "", reason);
}

struct conf_place conf_place_of(const struct conf_section *section, const char *section_name,
				const char *key)
{
	struct conf_place place = { .section = section_name, .key = key };
	const struct conf_key *found = section && key ? conf_key(section, key) : NULL;

	if (section) {
		place.file = found ? found->file : section->file;
		place.line = found ? found->line : section->line;
	}
	return place;
}

struct conf_section *conf_section(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->n_sections; i++) {
		if (strcmp(conf->sections[i].name, name) == 0)
			return &conf->sections[i];
	}
	return NULL;
}

struct conf_key *conf_key(const struct conf_section *section, const char *name)
{
	for (size_t i = 0; i < section->n_keys; i++) {
		if (strcmp(section->keys[i].name, name) == 0)
			return &section->keys[i];
	}
	return NULL;
}

const char *conf_add_file(struct conf *conf, const char *name)
{
	conf->files = xrealloc(conf->files, (conf->n_files + 1) * sizeof(*conf->files));
	conf->files[conf->n_files] = xstrdup(name);
	return conf->files[conf->n_files++];
}

struct conf_section *conf_add_section(struct conf *conf, const char *name, const char *file,
				      int line)
{
	struct conf_section *section;

	conf->sections = xrealloc(conf->sections, (conf->n_sections + 1) * sizeof(*section));
	section = &conf->sections[conf->n_sections++];
	*section = (struct conf_section){ .name = xstrdup(name), .file = file, .line = line };
	return section;
}

struct conf_key *conf_add_key(struct conf_section *section, const char *name, const char *value,
			      const char *file, int line)
{
	struct conf_key *key;

	section->keys = xrealloc(section->keys, (section->n_keys + 1) * sizeof(*key));
	key = &section->keys[section->n_keys++];
	*key = (struct conf_key){
		.name = xstrdup(name), .value = xstrdup(value), .file = file, .line = line
	};
	return key;
}

void conf_free_text(char *text)
{
	if (!text)
		return;
	explicit_bzero(text, strlen(text));
	free(text);
}

void conf_fini(struct conf *conf)
{
	for (size_t i = 0; i < conf->n_sections; i++) {
		struct conf_section *section = &conf->sections[i];

		for (size_t j = 0; j < section->n_keys; j++) {
			free(section->keys[j].name);
			conf_free_text(section->keys[j].value);
		}
		free(section->keys);
		free(section->name);
	}
	for (size_t i = 0; i < conf->n_files; i++)
		free(conf->files[i]);
	free(conf->sections);
	free(conf->files);
	*conf = (struct conf){ 0 };
}

static struct conf_key *put_override(struct conf *conf, struct conf_place *place, const char *value)
{
	struct conf_section *section = conf_section(conf, place->section);
	struct conf_key *key;

	if (!section)
		section = conf_add_section(conf, place->section, place->file, 0);
	key = conf_key(section, place->key);
	if (!key)
		return conf_add_key(section, place->key, value, place->file, 0);
	conf_free_text(key->value);
	key->value = xstrdup(value);
	key->file = place->file;
	key->line = 0;
	return key;
}

static bool read_override(struct conf *conf, const char *file, const char *text, struct err *err)
{
	const char *equals = strchr(text, '=');
	const char *dot = equals ? memrchr(text, '.', (size_t)(equals - text)) : NULL;
	struct conf_place place = { .file = file };
	char *section = NULL, *name = NULL, *value = NULL;
	bool ok = false, is_exposed;

	/* What follows the '=' may be a secret. */
	if (!dot || dot == text || dot + 1 == equals)
		return conf_fail(err, &place, "\"%.*s\" is not section.key=value",
				 (int)strcspn(text, "="), text);
	section = xstrndup(text, (size_t)(dot - text));
	name = xstrndup(dot + 1, (size_t)(equals - dot - 1));
	if (!conf_line_check_name(section, &place, err))
		goto out;
	place.section = section;
	if (!conf_line_check_name(name, &place, err))
		goto out;
	place.key = name;
	value = conf_value_resolve(equals + 1, &place, &is_exposed, err);
	if (value)
		put_override(conf, &place, value)->is_exposed = is_exposed;
	ok = value != NULL;
out:
	free(section);
	free(name);
	conf_free_text(value);
	return ok;
}

static int is_ini(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 4 && strcmp(entry->d_name + len - 4, ".ini") == 0;
}

/* alphasort would follow the locale. */
static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool read_dir(struct conf *conf, const char *dir, struct err *err)
{
	struct dirent **entries = NULL;
	int n_entries = scandir(dir, &entries, is_ini, by_bytes);
	bool ok = true;

	if (n_entries < 0)
		return err_set(err, "%s: %s", dir, strerror(errno));
	if (n_entries == 0)
		ok = err_set(err, "%s: no file ends in .ini", dir);
	for (int i = 0; i < n_entries; i++) {
		char *path = NULL;

		if (ok && asprintf(&path, "%s/%s", dir, entries[i]->d_name) < 0)
			out_of_memory();
		ok = ok && conf_line_read_file(conf, path, err);
		free(path);
		free(entries[i]);
	}
	free(entries);
	return ok;
}

bool conf_read(struct conf *conf, const char *dir, const struct conf_override *overrides,
	       size_t n_overrides, struct err *err)
{
	const char *file;

	*conf = (struct conf){ 0 };
	if (!read_dir(conf, dir, err))
		goto fail;
	file = conf_add_file(conf, OVERRIDE_FILE);
	for (size_t i = 0; i < n_overrides; i++) {
		if (!read_override(conf, file, overrides[i].text, err))
			goto fail;
	}
	return true;
fail:
	conf_fini(conf);
	return false;
}
