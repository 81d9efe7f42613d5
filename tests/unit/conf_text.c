/* SPDX-License-Identifier: Apache-2.0 */
#include "conf_text.h"

#include "conf_line.h"
#include "xalloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

bool conf_text_read(struct conf *conf, const char *text, size_t len, struct err *err)
{
	char *bytes = xcalloc(1, len + 1);
	bool ok;

	memcpy(bytes, text, len);
	*conf = (struct conf){ 0 };
	ok = conf_line_read_bytes(conf, conf_add_file(conf, "x.ini"), bytes, len, err);
	if (!ok)
		conf_fini(conf);
	free(bytes);
	return ok;
}

void conf_text_need(struct conf *conf, const char *text)
{
	struct err err;

	if (!conf_text_read(conf, text, strlen(text), &err))
		fail_msg("%s", err.text);
}
