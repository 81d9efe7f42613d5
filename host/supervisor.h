/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor: reads no network, runs no plugin. A short-lived child checks the configuration; the
 * listeners stay open here; dead workers are replaced; orders come as lines over a pipe from workers.
 */
#ifndef SUPERVISOR_H
#define SUPERVISOR_H

#include "conf.h"

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
/* Reads and checks everything in a child, prints nothing. with_stores: makes the state folder, opens
 * the stores and brings the schema up to date; else nothing is written. */
bool supervisor_check(const struct supervisor_start *start, bool with_stores, struct err *err);

#endif
