/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration from a text at hand, as if it were the file "x.ini". */
#ifndef CONF_TEXT_H
#define CONF_TEXT_H

#include "conf.h"

#include <stddef.h>

/* As conf_read: on failure conf is empty. */
bool conf_text_read(struct conf *conf, const char *text, size_t len, struct err *err);
/* Fails the test when text cannot be read. */
void conf_text_need(struct conf *conf, const char *text);

#endif
