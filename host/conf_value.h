/* SPDX-License-Identifier: Apache-2.0 */
/* What a written value stands for. */
#ifndef CONF_VALUE_H
#define CONF_VALUE_H

#include "conf.h"

/*
 * ${NAME} is the environment's NAME ("$${" writes a plain "${"); a value that starts with @ is the
 * content of that file, relative to the ini file's folder, without its last line end ("@@" writes a
 * plain "@"). What came from the environment or a file is not looked at again. *is_exposed_out: from a
 * file that everybody can read. The caller wipes and frees; NULL after conf_fail.
 */
char *conf_value_resolve(const char *raw, const struct conf_place *place, bool *is_exposed_out,
			 struct err *err);

#endif
