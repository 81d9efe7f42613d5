/* SPDX-License-Identifier: Apache-2.0 */
/* A store in front of another: it remembers what was asked, and can fail from some op on. */
#ifndef KV_PROBE_H
#define KV_PROBE_H

#include "kv.h"

#define KV_PROBE_MAX 64

struct kv_probe {
	struct kv store;
	int ops[KV_PROBE_MAX];
	size_t n_limits[KV_PROBE_MAX];
	int n_ops;
	int fail_at; /* this op and all later ones answer UNAVAILABLE; -1: none */
	/* Called before op race_at reaches the store; NULL: nothing. */
	void (*race)(void);
	int race_at;
};

/* kv is then the store to use; probe must outlive it. */
void kv_probe_init(struct kv_probe *probe, const struct kv *store, struct kv *kv);
/* Forgets what was asked and lets every op through. */
void kv_probe_reset(struct kv_probe *probe);

#endif
