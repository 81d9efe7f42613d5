/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor: reads no network, runs no plugin. A short-lived child checks the configuration; the
 * listeners stay open here; dead workers are replaced; orders come as lines over a pipe from workers.
 */
#ifndef SUPERVISOR_H
#define SUPERVISOR_H

#include "conf.h"
#include "trial.h"

/* One line each on the order pipe: "reload", "stop", "resume NAME", and a worker's own "retire SLOT". */
#define SUPERVISOR_ORDER_MAX 128

struct supervisor_start {
	const char *conf_dir;
	const struct conf_override *overrides;
	size_t n_overrides;
	const char *state_dir; /* NULL until it is locked; from then on it cannot change */
};

/* Serves until it is told to stop: true. False with the reason when it cannot start. Prints "ready
 * http://ADDRESS:PORT" on standard output when it serves. */
bool supervisor_run(const struct supervisor_start *start, struct err *err);
/* Runs the trial in a child and prints nothing itself. One with a task locks the state folder, made when
 * missing, and so is refused while a server runs on it. */
bool supervisor_try(const struct supervisor_start *start, const struct trial *trial,
		    struct err *err);

#endif
