/* SPDX-License-Identifier: Apache-2.0 */
/* An op that needs a proof of the unruly plugin, says what became of it and is fine whatever that is. */
#include "skeleton.h"

static int32_t ask(void *self_of_inst, struct pintle_call *call)
{
	const struct pintle_plain *self = self_of_inst;
	const char *subject = NULL;
	int32_t status = self->host->prove(call, "unruly", &subject);

	return self->host->set_int(call, "proved", status);
}

static const struct pintle_route routes[] = {
	{ .method = "POST",
	  .path = "/api/v1/trusting",
	  .kind = PINTLE_TO_OP,
	  .op = ask,
	  .summary = "Asks the unruly plugin" },
};

static const struct pintle_api api = {
	.size = sizeof(api),
	.route_size = sizeof(routes[0]),
	.routes = routes,
	.n_routes = PINTLE_N(routes),
};

static const struct pintle_plugin plugin = {
	SKELETON_PLUGIN("trusting"),
	.api = &api,
};

PINTLE_PLUGIN(plugin)
