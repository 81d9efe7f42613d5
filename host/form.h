/* SPDX-License-Identifier: Apache-2.0 */
/* Query strings and form bodies (application/x-www-form-urlencoded) into a JSON object of texts. */
#ifndef FORM_H
#define FORM_H

#include "slice.h"

#include <jansson.h>

/* NULL when it is malformed: a bad %xx, a NUL, invalid UTF-8, a name given twice, more than 64 pairs. */
json_t *form_parse(struct slice text);

#endif
