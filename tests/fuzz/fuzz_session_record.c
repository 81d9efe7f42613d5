/* SPDX-License-Identifier: Apache-2.0 */
/* A record that is understood is written back byte for byte. */
#include "session.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
	struct session session;
	char record[SESSION_RECORD_MAX], key[SESSION_ID_MAX + 2];

	if (!session_decode(&session, input, len))
		return 0;
	assert(len <= sizeof(record) && session_encode(&session, record) == len);
	assert(memcmp(record, input, len) == 0);
	session_key(session.id, key);
	(void)session_check(&session, 0);
	(void)session_has_permission(&session, "user:view");
	return 0;
}
