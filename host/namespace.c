/* SPDX-License-Identifier: Apache-2.0 */
#include "namespace.h"

#include "host.h"
#include "utf8.h"
#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

#define NAMESPACE_MAX 128 /* bytes, as the schema has room */
#define LABEL_MAX 128     /* bytes, as the options label_zh and label_en */

static const char *const *declared_by(const struct pintle_inst *inst)
{
	static const char *const none[] = { NULL };

	return inst->plugin->desc.provider ? inst->plugin->provider.namespaces : none;
}

static const char *const *namespaces_of(const struct pintle_inst *inst)
{
	const char *const *named = inst->description.namespaces;

	return named ? named : declared_by(inst);
}

static bool is_pattern(const char *ns)
{
	size_t len = strlen(ns);

	return len > 0 && ns[len - 1] == '*';
}

/* How well pattern takes ns: 0 not at all, more for a longer pattern, most for the same text. */
static size_t match(const char *pattern, const char *ns)
{
	size_t len = strlen(pattern);

	if (strcmp(pattern, ns) == 0)
		return SIZE_MAX;
	if (is_pattern(pattern) && strncmp(pattern, ns, len - 1) == 0)
		return len;
	return 0;
}

static size_t best_match(const char *const *namespaces, const char *ns)
{
	size_t best = 0;

	for (; *namespaces; namespaces++) {
		size_t found = match(*namespaces, ns);

		best = found > best ? found : best;
	}
	return best;
}

bool namespace_belongs(const struct pintle_inst *inst, const char *ns)
{
	return best_match(namespaces_of(inst), ns) > 0;
}

bool namespace_is_vouched(const struct pintle_inst *inst, const char *ns)
{
	const char *const *vouches = inst->description.vouches;

	return vouches && best_match(vouches, ns) > 0;
}

bool namespace_is_declared(const struct pintle_inst *inst, const char *ns)
{
	return best_match(declared_by(inst), ns) > 0;
}

struct pintle_inst *namespace_owner(const struct instances *instances, const char *ns)
{
	struct pintle_inst *owner = NULL;
	size_t best = 0;

	for (size_t i = 0; i < instances->n_items; i++) {
		size_t found = best_match(namespaces_of(&instances->items[i]), ns);

		if (found > best) {
			best = found;
			owner = &instances->items[i];
		}
	}
	return owner;
}

/* ---- Two owners ---- */

#define TAKEN "identities \"%.60s\" belong to [%s] already"

/* The first section that has this very namespace. */
static const struct pintle_inst *exact_owner(const struct instances *instances, const char *ns)
{
	for (size_t i = 0; i < instances->n_items; i++)
		if (best_match(namespaces_of(&instances->items[i]), ns) == SIZE_MAX)
			return &instances->items[i];
	return NULL;
}

bool namespace_check_fixed(const struct instances *instances, struct err *err)
{
	for (size_t i = 0; i < instances->n_items; i++) {
		const struct pintle_inst *inst = &instances->items[i];
		struct conf_place place = conf_place_of(inst->section, inst->name, NULL);

		for (const char *const *own = declared_by(inst); *own; own++) {
			const struct pintle_inst *owner = exact_owner(instances, *own);

			if (owner != inst && !is_pattern(*own))
				return conf_fail(err, &place, TAKEN, *own, owner->name);
		}
	}
	return true;
}

/* Sections of one plugin may share a name: it says in it who vouches for the people. What the same name
 * means to another plugin nobody knows. */
static const struct pintle_inst *other_owner(const struct pintle_inst *inst, const char *ns)
{
	const struct instances *instances = &inst->host->instances;

	for (size_t i = 0; i < instances->n_items; i++) {
		const struct pintle_inst *other = &instances->items[i];

		if (other->plugin != inst->plugin &&
		    best_match(namespaces_of(other), ns) == SIZE_MAX)
			return other;
	}
	return NULL;
}

/* ---- What an instance says of itself ---- */

static bool is_label(const char *text)
{
	return !text || (strlen(text) <= LABEL_MAX && utf8_is_valid(text));
}

static bool is_exact(const char *ns)
{
	return *ns && strlen(ns) <= NAMESPACE_MAX && utf8_is_valid(ns) && !is_pattern(ns);
}

static int32_t check_namespace(struct pintle_inst *inst, const char *ns)
{
	const struct pintle_inst *owner;

	if (!is_exact(ns) || !namespace_is_declared(inst, ns)) {
		(void)err_set(inst->opening,
			      "plugin %s.so: \"%.60s\" is no exact namespace of those it declares",
			      inst->plugin->name, ns);
		return PINTLE_INVALID;
	}
	owner = other_owner(inst, ns);
	if (owner)
		(void)err_set(inst->opening, TAKEN, ns, owner->name);
	return owner ? PINTLE_CONFLICT : PINTLE_OK;
}

static int32_t check_vouched(struct pintle_inst *inst, const char *ns)
{
	if (is_exact(ns))
		return PINTLE_OK;
	(void)err_set(inst->opening, "plugin %s.so: \"%.60s\" is no exact namespace to vouch for",
		      inst->plugin->name, ns);
	return PINTLE_INVALID;
}

static int32_t check_description(struct pintle_inst *inst, const struct pintle_description *mine)
{
	int32_t status = PINTLE_OK;

	if (!is_label(mine->label_zh) || !is_label(mine->label_en)) {
		(void)err_set(inst->opening, "plugin %s.so: a label is no text of at most %d bytes",
			      inst->plugin->name, LABEL_MAX);
		return PINTLE_INVALID;
	}
	for (const char *const *ns = mine->namespaces; status == PINTLE_OK && ns && *ns; ns++)
		status = check_namespace(inst, *ns);
	for (const char *const *ns = mine->vouches; status == PINTLE_OK && ns && *ns; ns++)
		status = check_vouched(inst, *ns);
	return status;
}

static const char *const *copy_list(struct arena *arena, const char *const *list)
{
	const char **copy;
	size_t n = 0;

	while (list && list[n])
		n++;
	if (n == 0)
		return NULL;
	copy = arena_alloc(arena, (n + 1) * sizeof(*copy));
	for (size_t i = 0; i < n; i++)
		copy[i] = arena_strdup(arena, list[i]);
	return copy;
}

int32_t namespace_describe(struct pintle_inst *inst, const struct pintle_description *given)
{
	struct instance_description *description = &inst->description;
	struct pintle_description mine = { 0 };
	int32_t status;

	if (!inst->opening)
		return PINTLE_INTERNAL;
	memcpy(&mine, given, given->size < sizeof(mine) ? given->size : sizeof(mine));
	status = check_description(inst, &mine);
	if (status != PINTLE_OK)
		return status;
	description->namespaces = copy_list(&description->memory, mine.namespaces);
	description->vouches = copy_list(&description->memory, mine.vouches);
	description->has_no_begin = (mine.flags & PINTLE_NO_BEGIN) != 0;
	description->label_zh = arena_strdup(&description->memory, mine.label_zh);
	description->label_en = arena_strdup(&description->memory, mine.label_en);
	return PINTLE_OK;
}

/* ---- Ways in ---- */

void namespace_collect_ways_in(struct instances *instances)
{
	size_t n = 0;

	for (size_t i = 0; i < instances->n_items; i++)
		for (const char *const *own = namespaces_of(&instances->items[i]); *own; own++)
			n++;
	free(instances->ways_in);
	instances->ways_in = xcalloc(n + 1, sizeof(*instances->ways_in));
	n = 0;
	for (size_t i = 0; i < instances->n_items; i++)
		for (const char *const *own = namespaces_of(&instances->items[i]); *own; own++)
			instances->ways_in[n++] = (struct way_in){ *own, instances->items[i].name };
}

const struct way_in *namespace_ways_in(const struct instances *instances)
{
	return instances->ways_in;
}
