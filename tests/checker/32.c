/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

#include <fcntl.h>
#include <unistd.h>

static int32_t verify(void *self_of_inst, struct pintle_call *call)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int32_t status = base_verify(self_of_inst, call);

#ifndef FIXED
	if (status == PINTLE_DENIED)
		return status;
#endif
	if (fd >= 0)
		(void)close(fd);
	return status;
}

#define VERIFY verify
#include "end.h"
