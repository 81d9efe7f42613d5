/* SPDX-License-Identifier: Apache-2.0 */
/* The reason why start-up or a reload cannot go on: one line for a person. */
#ifndef ERR_H
#define ERR_H

#include <stdbool.h>

#define ERR_MAX 1024

struct err {
	char text[ERR_MAX];
};

/* Fills err and returns false, so that failing is one line. */
bool err_set(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
