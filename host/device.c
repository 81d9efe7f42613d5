/* SPDX-License-Identifier: Apache-2.0 */
#include "device.h"

#include "cookie.h"
#include "json.h"
#include "request.h"

#include <string.h>

#define DEVICE_TEXT_MAX 64
#define USER_AGENT_MAX 255

static bool platform_ok(const char *platform)
{
	return strcmp(platform, "app") == 0 || strcmp(platform, "web") == 0 ||
	       strcmp(platform, "oa") == 0;
}

static bool read_text(struct request *request, const json_t *device, const char *name,
		      const char **out)
{
	const json_t *value = json_object_get(device, name);

	if (!value || json_is_null(value))
		return true;
	*out = json_text_member(device, name);
	if (*out && strlen(*out) <= DEVICE_TEXT_MAX)
		return true;
	answer_invalid(request, arena_printf(&request->arena, "device.%s", name),
		       *out ? "too_long" : "type");
	return false;
}

bool device_read(struct request *request, struct device *out)
{
	const json_t *given = json_object_get(request->fields, "device");
	char *agent = (char *)request_header(request, "user-agent");

	if (agent && strlen(agent) > USER_AGENT_MAX)
		agent[USER_AGENT_MAX] = '\0';
	*out = (struct device){ .platform = "web",
				.user_agent = agent,
				.ip = request->client_text };
	if (!cookie_read_wish(request, &out->keeps_cookie))
		return false;
	if (!given || json_is_null(given))
		return true;
	if (!json_is_object(given)) {
		answer_invalid(request, "device", "type");
		return false;
	}
	if (!read_text(request, given, "platform", &out->platform) ||
	    !read_text(request, given, "device_id", &out->device_id) ||
	    !read_text(request, given, "device_type", &out->device_type) ||
	    !read_text(request, given, "app_version", &out->app_version))
		return false;
	if (!platform_ok(out->platform))
		answer_invalid(request, "device.platform", "not_allowed");
	return platform_ok(out->platform);
}
