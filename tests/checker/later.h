/* SPDX-License-Identifier: Apache-2.0 */
/* verify on a thread of its own: the op answers PENDING and ends later. */
#ifndef LATER_H
#define LATER_H

#include "base.h"

#include <pthread.h>

struct later {
	void *self;
	struct pintle_call *call;
};

static void finish(struct later *later, int32_t status);

static void *run_later(void *arg)
{
	struct later *later = arg;
	int32_t status = base_verify(later->self, later->call);

	finish(later, status);
	free(later);
	return NULL;
}

static int32_t verify(void *self_of_inst, struct pintle_call *call)
{
	struct later *later = malloc(sizeof(*later));
	pthread_t thread;

	if (!later)
		return PINTLE_INTERNAL;
	*later = (struct later){ self_of_inst, call };
	if (pthread_create(&thread, NULL, run_later, later) != 0) {
		free(later);
		return PINTLE_INTERNAL;
	}
	(void)pthread_detach(thread);
	return PINTLE_PENDING;
}

#define VERIFY verify
#endif
