/* SPDX-License-Identifier: Apache-2.0 */
/* The default of an option lies outside its own bounds. */
#include "skeleton.h"

struct conf {
	int64_t tries;
};

static const struct pintle_opt opts[] = {
	{ "tries", PINTLE_INT, PINTLE_OPT(struct conf, tries), "0", 1, 9, NULL, "How often." },
};

static const struct pintle_provider provider = {
	SKELETON_PROVIDER(skeleton_namespaces),
	.verify = skeleton_verify,
};

static const struct pintle_plugin plugin = {
	SKELETON_PLUGIN("bad_option"),
	.opts = opts,
	.n_opts = 1,
	.opt_size = sizeof(struct pintle_opt),
	.conf_size = sizeof(struct conf),
	.provider = &provider,
};

PINTLE_PLUGIN(plugin)
