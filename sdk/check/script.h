/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the story of a case: as it is written, or with a twist in one of its steps. */
#ifndef SCRIPT_H
#define SCRIPT_H

#include "world.h"

struct script_result {
	bool is_as_expected;
	char why[512];           /* it is not, */
	int line;                /* and where */
	int32_t status;          /* of the last op that ran */
	bool is_met;             /* that op did what is expected of it, also with a twist */
	const struct step *step; /* that op */
};

/* In a fresh world. With a twist the story ends with its step, whose expectations do not count. */
struct script_result script_run(struct pintle_inst *inst, const struct play *play,
				struct twist *twist, const char *template_dir);
/* Whether the last op ended as without the twist, and the author has said that it may go on without that
 * call of a service. */
bool script_survives(const struct script_result *result, const struct twist *twist);

#endif
