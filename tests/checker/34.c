/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

static int32_t open_note(const struct pintle_host *host, struct pintle_inst *inst, const void *conf,
			 void **self_out, char *err, size_t err_len)
{
	char *note = malloc(16);
	int32_t status;

#ifdef FIXED
	if (!note)
		return PINTLE_INTERNAL;
#endif
	note[0] = 'n';
	status = base_open(host, inst, conf, self_out, err, err_len);
	if (status != PINTLE_OK)
		free(note);
	else
		((struct base *)*self_out)->more = note;
	return status;
}

static void close_note(void *self_of_inst)
{
	free(((struct base *)self_of_inst)->more);
	free(self_of_inst);
}

#define OPEN open_note
#define CLOSE close_note
#include "end.h"
