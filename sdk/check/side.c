/* SPDX-License-Identifier: Apache-2.0 */
/* malloc and its family stand in front of libc's, so that libraries of the plugin are seen as well. */
#include "side.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TRUSTED 8

static _Thread_local enum side side_now;
static _Atomic int64_t n_blocks, n_until_refusal;
static _Atomic bool has_refused;
static const char *trusted[MAX_TRUSTED];
static size_t n_trusted;

enum side side_enter(enum side side)
{
	enum side before = side_now;

	side_now = side;
	return before;
}

int64_t side_n_blocks(void)
{
	return atomic_load(&n_blocks);
}

void side_refuse(int64_t nth)
{
	atomic_store(&has_refused, false);
	atomic_store(&n_until_refusal, nth);
}

bool side_has_refused(void)
{
	return atomic_load(&has_refused);
}

void side_trust(const char *name)
{
	if (n_trusted < MAX_TRUSTED)
		trusted[n_trusted++] = name;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

bool side_can_refuse(void)
{
	return false;
}

#else

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): what libc calls its own */
extern void *__libc_malloc(size_t len);
extern void *__libc_calloc(size_t n, size_t len);
extern void *__libc_realloc(void *ptr, size_t len);
extern void __libc_free(void *ptr);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

bool side_can_refuse(void)
{
	return true;
}

static bool is_trusted(const void *caller)
{
	Dl_info info;

	if (n_trusted == 0 || dladdr(caller, &info) == 0 || !info.dli_fname)
		return false;
	for (size_t i = 0; i < n_trusted; i++) {
		if (strstr(info.dli_fname, trusted[i]))
			return true;
	}
	return false;
}

static bool is_refused(const void *caller)
{
	if (side_now != SIDE_PLUGIN || atomic_load(&n_until_refusal) == 0 || is_trusted(caller))
		return false;
	if (atomic_fetch_sub(&n_until_refusal, 1) != 1)
		return false;
	atomic_store(&has_refused, true);
	errno = ENOMEM;
	return true;
}

static void *count(void *ptr, int change)
{
	if (ptr && side_now == SIDE_PLUGIN)
		atomic_fetch_add(&n_blocks, change);
	return ptr;
}

void *malloc(size_t len)
{
	return is_refused(__builtin_return_address(0)) ? NULL : count(__libc_malloc(len), 1);
}

void *calloc(size_t n, size_t len)
{
	return is_refused(__builtin_return_address(0)) ? NULL : count(__libc_calloc(n, len), 1);
}

void *realloc(void *ptr, size_t len)
{
	/* Libraries take it in good part when a block cannot shrink; it hardly ever happens. */
	if (len > malloc_usable_size(ptr) && is_refused(__builtin_return_address(0)))
		return NULL;
	return ptr ? __libc_realloc(ptr, len) : count(__libc_malloc(len), 1);
}

void free(void *ptr)
{
	__libc_free(count(ptr, -1));
}

#endif
