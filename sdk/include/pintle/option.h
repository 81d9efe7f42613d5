/* SPDX-License-Identifier: Apache-2.0 */
/* Options: declared in a table, read and checked by the host, delivered in the plugin's struct. */
#ifndef PINTLE_OPTION_H
#define PINTLE_OPTION_H

#include <stddef.h>
#include <stdint.h>

enum pintle_opt_type {
	PINTLE_STRING, /* const char *; min and max bound its bytes */
	PINTLE_SECRET, /* const char *; masked wherever it could be shown; min and max bound its bytes */
	PINTLE_INT,   /* int64_t */
	PINTLE_BYTES, /* int64_t; written 64K, 10M, 1G or plain bytes */
	PINTLE_DURATION, /* int64_t milliseconds; written 500ms, 10s, 5m, 24h, 7d; a bare number is refused */
	PINTLE_FLAG,   /* int32_t 0 or 1; written yes, no, true, false, on, off */
	PINTLE_CHOICE, /* int32_t index into the words of choices */
	PINTLE_LIST /* const char *const *, NULL-terminated; comma separated; min and max bound the count */
};

/*
 * One option of a section; name is none of those that every section has (docs/plugins.md). fallback
 * is the text used when the key is missing; NULL makes the key required. min and max are inclusive and
 * in the unit of the field; both 0 means unbounded.
 * help is one sentence: it is the manual and stands in every error about the key.
 */
struct pintle_opt {
	const char *name;
	int32_t type;
	uint32_t offset;
	const char *fallback;
	int64_t min, max;
	const char *choices; /* CHOICE only: words separated by one space */
	const char *help;
};

#define PINTLE_OPT(conf, member) ((uint32_t)offsetof(conf, member))

#endif
