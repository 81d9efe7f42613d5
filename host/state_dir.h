/* SPDX-License-Identifier: Apache-2.0 */
/* The state folder as the supervisor uses it: made when missing, locked, one server at a time. */
#ifndef STATE_DIR_H
#define STATE_DIR_H

#include "err.h"

#include <limits.h>

struct state_dir {
	char path[PATH_MAX];
	int lock_fd, control_fd;
};

/* The folder, the lock pintled.lock with our pid in it, and the socket control.sock. A second server on
 * the same folder is refused. */
bool state_dir_open(struct state_dir *dir, const char *path, struct err *err);
/* In a child: it keeps the control socket only. */
void state_dir_leave(struct state_dir *dir);
/* Takes the socket away and gives the lock back. */
void state_dir_close(struct state_dir *dir);

#endif
