/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor: reads no network, runs no plugin. A short-lived child checks the configuration; the
 * listeners stay open here; dead workers are replaced; orders come as bytes over a pipe from workers.
 */
#ifndef SUPERVISOR_H
#define SUPERVISOR_H

#include "conf.h"

/* One line each on the order pipe: "reload", "stop", "resume NAME". */
#define SUPERVISOR_ORDER_MAX 128

struct supervisor_start {
	const char *conf_dir;
	const struct conf_override *overrides;
	size_t n_overrides;
};

/* Returns the exit status. Prints "ready http://ADDRESS:PORT" on standard output when it serves. */
int supervisor_run(const struct supervisor_start *start);
/* Reads and checks everything, prints nothing; for `pintled --check`. */
bool supervisor_check(const struct supervisor_start *start, struct err *err);

#endif
