/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory the host lends for a call. When the call has ended nobody can touch it any more: a plugin that
 * still does is stopped, and named by lent_is_gone.
 */
#ifndef LENT_H
#define LENT_H

#include <stdbool.h>
#include <stddef.h>

#define LENT_MAX ((size_t)4 << 20) /* bytes a call can be lent */

struct lent {
	char *base;
	size_t used;
};

void lent_init(struct lent *lent);
/* Zeroed and aligned; NULL when there is no more. */
void *lent_alloc(struct lent *lent, size_t len);
/* A copy with a NUL; NULL for NULL. */
const char *lent_text(struct lent *lent, const char *text);
const void *lent_bytes(struct lent *lent, const void *bytes, size_t len);
/* From now on an access to it is a fault. The address range stays taken. */
void lent_end(struct lent *lent);
/* Whether the address belongs to memory that has ended. Safe in a signal handler. */
bool lent_is_gone(const void *address);

#endif
