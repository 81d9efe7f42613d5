/* SPDX-License-Identifier: Apache-2.0 */
/* One op of the plugin under check, from its fields to its last word. */
#ifndef PLUGIN_CALL_H
#define PLUGIN_CALL_H

#include "world.h"

/* Runs the op a step names on fields. False when the plugin has none like it; then why says so. */
bool call_run(struct world *world, struct pintle_inst *inst, const struct step *step,
	      const struct pairs *fields, int32_t *status_out, char why[256]);
/* What the last call of this world has said. Until the next one. */
const struct pairs *call_said(void);
/* Gives threads of the plugin the time to say too much. */
void call_settle(void);

#endif
