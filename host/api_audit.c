/* SPDX-License-Identifier: Apache-2.0 */
#include "api_audit.h"

#include "audit.h"

int32_t api_audit(const struct request *request, struct tx *tx, const char *action,
		  const char *target, const char *result)
{
	bool is_known = request->who.is_known;
	struct audit_entry entry = {
		.actor_kind = is_known ? request->who.session.realm : "system",
		.actor_id = is_known ? request->who.session.subject_id : 0,
		.action = action,
		.target = target,
		.result = result,
		.ip = request->client_text,
		.request_id = request->id,
	};

	return audit_write(tx, &entry);
}
