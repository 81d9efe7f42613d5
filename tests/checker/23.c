/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

static int32_t open_aloud(const struct pintle_host *host, struct pintle_inst *inst,
			  const void *conf, void **self_out, char *err, size_t err_len)
{
	char text[300];

#ifdef FIXED
	(void)snprintf(text, sizeof(text), "opened");
#else
	(void)snprintf(text, sizeof(text), "opened with %s", ((const struct conf *)conf)->word);
#endif
	host->log(inst, PINTLE_LOG_INFO, text);
	return base_open(host, inst, conf, self_out, err, err_len);
}

#define OPEN open_aloud
#include "end.h"
