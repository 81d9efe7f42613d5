/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose identities are whose: by the namespaces an instance has named when it was opened, or else by
 * those its plugin declares, of which a trailing * takes any end.
 */
#ifndef NAMESPACE_H
#define NAMESPACE_H

#include "instance.h"

/* Before any is open: false when two sections have one fixed namespace, for a second owner could sign in
 * the first one's people. */
bool namespace_check_fixed(const struct instances *instances, struct err *err);
/* The service describe_instance. [main], from open(). */
int32_t namespace_describe(struct pintle_inst *inst, const struct pintle_description *given);
/* [main] Once all are open, before anybody asks for the ways in. */
void namespace_collect_ways_in(struct instances *instances);

/* [any] all below. Whether identities of ns are the instance's. */
bool namespace_belongs(const struct pintle_inst *inst, const char *ns);
/* Whether it may name them beside its own. */
bool namespace_is_vouched(const struct pintle_inst *inst, const char *ns);
/* Whether they could be its own: what its plugin declares takes ns. */
bool namespace_is_declared(const struct pintle_inst *inst, const char *ns);
/* The provider that takes ns best; of several alike the first. NULL. */
struct pintle_inst *namespace_owner(const struct instances *instances, const char *ns);
/* Every namespace of enabled providers, and whose; the last has no ns. Lent. */
const struct way_in *namespace_ways_in(const struct instances *instances);

#endif
