/* SPDX-License-Identifier: Apache-2.0 */
/* Instances of the plugin under check, bound as the host binds them. */
#ifndef INST_H
#define INST_H

#include "world.h"

/* Fills the options from the keys of a section. False when one is refused. */
bool inst_bind(struct pintle_inst *inst, const struct plugin *plugin, const char *name,
	       const struct pairs *conf, struct err *err);
/* open(); a refusal's reason is in err. The status is what open() said. */
int32_t inst_open(struct pintle_inst *inst, struct err *err);
/* Binds and opens, or breaks rule and answers false. */
bool inst_start(struct pintle_inst *inst, const struct plugin *plugin, const char *name,
		const struct pairs *conf, const char *rule);
void inst_close(struct pintle_inst *inst);
/* Closes if open, and frees. */
void inst_fini(struct pintle_inst *inst);

#endif
