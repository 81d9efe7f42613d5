/* SPDX-License-Identifier: Apache-2.0 */
/* The ops of store.h on records, each in one transaction. [any] */
#ifndef OPS_H
#define OPS_H

#include "env.h"

#define OPS_SMALL 2048

/* An answer that outlives its transaction. Zeroed is empty. */
struct ops_answer {
	struct pintle_kv_answer answer;
	char *large; /* NULL: the value is in small, or there is none */
	char small[OPS_SMALL];
};

/* Every op but PUBLISH. */
void ops_run(struct env *env, const struct pintle_kv_request *request, struct ops_answer *out);
void ops_answer_fini(struct ops_answer *out);
/* Deletes what is expired, in short transactions, for at most budget_ms. */
void ops_sweep(struct env *env, int64_t budget_ms);

#endif
