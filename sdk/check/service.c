/* SPDX-License-Identifier: Apache-2.0 */
/* What goes on around each service: who may use it, whether it fails, what is heard of it. */
#include "report.h"
#include "side.h"
#include "utf8.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local struct pintle_call *current;

struct pintle_call *service_call(void)
{
	return current;
}

void service_set_call(struct pintle_call *call)
{
	current = call;
}

bool service_is_late(struct pintle_call *call, const char *service)
{
	bool is_over;

	(void)pthread_mutex_lock(&call->mutex);
	is_over = call->state == CALL_OVER;
	(void)pthread_mutex_unlock(&call->mutex);
	if (is_over)
		report_fail("D01", "%s: %s is used after the call has ended", call->op, service);
	return is_over;
}

static int count_service(struct world *world, const char *service)
{
	const char *before = pairs_get(&world->n_calls, service);
	char number[16];
	int n = before ? atoi(before) + 1 : 1;

	(void)snprintf(number, sizeof(number), "%d", n);
	pairs_put(&world->n_calls, service, number);
	world->n_services++;
	return n;
}

/* What cannot be down can only go wrong. */
static int32_t fault_of(const char *service)
{
	static const char *const local[] = { "keep",      "subject", "account",       "claim",
					     "set",       "set_int", "set_json",      "seal",
					     "open",      "random",  "random_digits", "ticket",
					     "set_state", "grant",   "redirect",      "page",
					     "also",      "remember" };

	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
		if (strcmp(local[i], service) == 0)
			return PINTLE_INTERNAL;
	}
	return PINTLE_UNAVAILABLE;
}

int32_t service_enter(struct pintle_call *call, const char *service)
{
	struct twist *twist = call ? call->world->twist : NULL;
	int nth;

	(void)side_enter(SIDE_HOST);
	if (!call)
		return PINTLE_OK;
	if (service_is_late(call, service))
		return PINTLE_TIMEOUT;
	nth = count_service(call->world, service);
	if (!twist || (twist->kind != TWIST_FAULT && twist->kind != TWIST_LATE))
		return PINTLE_OK;
	if (twist->kind == TWIST_FAULT ? call->world->n_services != twist->at
				       : call->world->n_services < twist->at)
		return PINTLE_OK;
	if (!twist->has_come)
		(void)snprintf(twist->service, sizeof(twist->service), "%s", service);
	twist->nth = twist->has_come ? twist->nth : nth;
	twist->has_come = true;
	return twist->kind == TWIST_LATE ? PINTLE_TIMEOUT : fault_of(service);
}

int32_t service_leave(int32_t status)
{
	(void)side_enter(SIDE_PLUGIN);
	return status;
}

bool call_text_ok(struct pintle_call *call, const char *service, const char *text)
{
	if (text && utf8_is_valid(text))
		return true;
	report_fail("X02", "%s: %s is given %s", call->op, service,
		    text ? "a text that is not UTF-8" : "NULL");
	return false;
}

void call_say(struct pintle_call *call, const char *name, const char *text)
{
	pairs_put(&call->said, name, text);
	pairs_put(&call->world->seen, name, text);
}

void call_say_part(struct pintle_call *call, const char *group, const char *name, const char *text)
{
	char whole[128];

	(void)snprintf(whole, sizeof(whole), "%s.%s", group, name);
	call_say(call, whole, text);
}
