/* SPDX-License-Identifier: Apache-2.0 */
/* What must not stand in a log: values of fields, identifiers, codes, secret options. */
#ifndef SECRETS_H
#define SECRETS_H

#include "pairs.h"

/* Short values are left out: they stand in innocent words as well. */
void secrets_add(struct pairs *secrets, const char *what, const char *value);
/* Breaks S01 when text, said by op through channel, holds one. */
void secrets_look(const struct pairs *secrets, const char *text, const char *op,
		  const char *channel);

#endif
