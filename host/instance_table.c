/* SPDX-License-Identifier: Apache-2.0 */
#include "instance_table.h"

#include "plugin.h"

#include <string.h>

#define AT(member) PINTLE_OPT(struct instance_settings, member)

/* clang-format off */
static const struct pintle_opt instance_opts[] = {
	{ "plugin", PINTLE_STRING, AT(plugin), "", 0, PLUGIN_NAME_MAX, NULL,
	  "Plugin that serves this section; empty: the one called like the section." },
	{ "max_running", PINTLE_INT, AT(max_running), "8", 1, 512, NULL,
	  "Operations of this section a worker runs at once." },
	{ "max_waiting", PINTLE_INT, AT(max_waiting), "256", 1, 100000, NULL,
	  "Operations of this section that may wait; more are answered 503." },
	{ "timeout", PINTLE_DURATION, AT(timeout_ms), "5s", 50, 600000, NULL,
	  "Time one operation of this section may take." },
	{ "label_zh", PINTLE_STRING, AT(label_zh), "", 0, 128, NULL,
	  "Name of this section for people, in Chinese; empty: the plugin's." },
	{ "label_en", PINTLE_STRING, AT(label_en), "", 0, 128, NULL,
	  "Name of this section for people, in English; empty: the plugin's." },
	{ "required", PINTLE_FLAG, AT(is_required), "no", 0, 0, NULL,
	  "Whether this server counts as not ready while this section is not." },
	{ "receipts_from", PINTLE_LIST, AT(receipts_from), "", 0, 256, NULL,
	  "Networks from which a gateway may report deliveries to this section; empty: none." },
};
/* clang-format on */

const struct opt_table instance_table = {
	.opts = instance_opts,
	.n_opts = sizeof(instance_opts) / sizeof(instance_opts[0]),
	.conf_size = sizeof(struct instance_settings),
};

bool instance_table_is_apart(const struct opt_table *plugin, struct err *err)
{
	for (size_t i = 0; i < plugin->n_opts; i++)
		for (size_t j = 0; j < instance_table.n_opts; j++)
			if (strcmp(plugin->opts[i].name, instance_opts[j].name) == 0)
				return err_set(err, "option %s is one that every section has",
					       plugin->opts[i].name);
	return true;
}
