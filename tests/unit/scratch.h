/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of a test's own, gone with all that is in it. */
#ifndef SCRATCH_H
#define SCRATCH_H

#define SCRATCH_MAX 64

void scratch_make(char path[SCRATCH_MAX]);
void scratch_remove(const char *path);

#endif
