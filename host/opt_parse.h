/* SPDX-License-Identifier: Apache-2.0 */
/* One value of an option: from text to the member it fills, and back to nothing. */
#ifndef OPT_PARSE_H
#define OPT_PARSE_H

#include <pintle/option.h>
#include <stdbool.h>
#include <stddef.h>

#define OPT_REASON_MAX 256

/* Writes the member of out that opt names. False with a reason that never quotes the text. */
bool opt_parse(const struct pintle_opt *opt, const char *text, void *out,
	       char reason[OPT_REASON_MAX]);
/* Wipes and frees what opt_parse made; the member is zero again. */
void opt_parse_undo(const struct pintle_opt *opt, void *out);
/* The size of the member a type fills; 0 for no type. */
size_t opt_type_size(int32_t type);
const char *opt_type_name(int32_t type);

#endif
