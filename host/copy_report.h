/* SPDX-License-Identifier: Apache-2.0 */
/* What the operator sees of a copy between stores. */
#ifndef COPY_REPORT_H
#define COPY_REPORT_H

#include "table_copy.h"

/* Zeroed at the start. */
struct copy_report {
	int64_t told_ms; /* of the last line; monotonic */
};

/* Of table_copy_run, with a struct copy_report: a line a second on standard error. */
table_copy_progress copy_report_progress;
/* On standard output: each table with its rows, its checksum and the time it took. */
void copy_report_result(const struct table_copy *copies, size_t n_copies, bool is_json);

#endif
