/* SPDX-License-Identifier: Apache-2.0 */
#include "lent.h"

#include "xalloc.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define GONE_MAX 65536

static char *_Atomic gone[GONE_MAX];
static _Atomic size_t n_gone;

void lent_init(struct lent *lent)
{
	void *base = mmap(NULL, LENT_MAX, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED)
		out_of_memory();
	*lent = (struct lent){ .base = base };
}

void *lent_alloc(struct lent *lent, size_t len)
{
	const size_t align = alignof(max_align_t);
	void *ptr = lent->base + lent->used;

	if (len > LENT_MAX - lent->used - align)
		return NULL;
	lent->used += (len + align) / align * align;
	return ptr;
}

const void *lent_bytes(struct lent *lent, const void *bytes, size_t len)
{
	char *copy = lent_alloc(lent, len + 1);

	if (!copy)
		out_of_memory();
	if (len > 0)
		memcpy(copy, bytes, len);
	return copy;
}

const char *lent_text(struct lent *lent, const char *text)
{
	return text ? lent_bytes(lent, text, strlen(text)) : NULL;
}

void lent_end(struct lent *lent)
{
	if (!lent->base)
		return;
	(void)madvise(lent->base, LENT_MAX, MADV_DONTNEED);
	(void)mprotect(lent->base, LENT_MAX, PROT_NONE);
	atomic_store(&gone[atomic_fetch_add(&n_gone, 1) % GONE_MAX], lent->base);
	lent->base = NULL;
}

bool lent_is_gone(const void *address)
{
	uintptr_t at = (uintptr_t)address;

	for (size_t i = 0; i < atomic_load(&n_gone) && i < GONE_MAX; i++) {
		uintptr_t base = (uintptr_t)atomic_load(&gone[i]);

		if (at >= base && at - base < LENT_MAX)
			return true;
	}
	return false;
}
