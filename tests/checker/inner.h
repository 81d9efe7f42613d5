/* SPDX-License-Identifier: Apache-2.0 */
/* Built together with a driver of the tree, whose entry the build calls inner_entry. */
#ifndef INNER_H
#define INNER_H

#include <pintle/plugin.h>

#undef pintle_plugin_entry
const struct pintle_plugin *inner_entry(void);

static const struct pintle_plugin *inner(void)
{
	return inner_entry();
}

static int32_t open_inner(const struct pintle_host *host, struct pintle_inst *inst,
			  const void *conf, void **self_out, char *err, size_t err_len)
{
	return inner()->open(host, inst, conf, self_out, err, err_len);
}

static void close_inner(void *self)
{
	inner()->close(self);
}

#endif
