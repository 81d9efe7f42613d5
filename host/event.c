/* SPDX-License-Identifier: Apache-2.0 */
#include "event.h"

#include "host.h"
#include "json.h"
#include "xalloc.h"

#include <pintle/status.h>
#include <stdlib.h>

struct event {
	struct job job; /* first: what the pool runs */
	struct host *host;
	char *name, *json;
};

static void tell_one(const struct event *event, struct pintle_inst *inst)
{
	struct breadcrumb before = breadcrumb_enter(inst->board_index, "event");

	inst->plugin->listener.event(inst->self, event->name, event->json);
	breadcrumb_leave(before);
}

static bool listens(const struct pintle_inst *inst)
{
	return inst->plugin->listener.event && instance_is_up(inst);
}

static void event_free(struct event *event)
{
	free(event->name);
	free(event->json);
	free(event);
}

static void tell_all(struct job *job)
{
	struct event *event = (struct event *)job;
	const struct instances *all = &event->host->instances;

	for (size_t i = 0; i < all->n_items; i++)
		if (listens(&all->items[i]))
			tell_one(event, &all->items[i]);
	event_free(event);
}

static bool has_listener(const struct host *host)
{
	for (size_t i = 0; i < host->instances.n_items; i++)
		if (listens(&host->instances.items[i]))
			return true;
	return false;
}

static bool tell_listeners(struct host *host, const char *name, const char *json)
{
	struct event *event;

	if (!has_listener(host))
		return true;
	event = xcalloc(1, sizeof(*event));
	*event = (struct event){ .job = { .run = tell_all },
				 .host = host,
				 .name = xstrdup(name),
				 .json = xstrdup(json) };
	if (pool_submit(host->pool, host->background, &event->job))
		return true;
	event_free(event);
	return false;
}

int32_t event_publish(struct host *host, const char *name, const char *json)
{
	struct arena arena = { 0 };
	char *text = arena_printf(&arena, "{\"event\":\"%s\",\"data\":%s}", name, json);
	struct pintle_kv_request request = kv_set("events", text, strlen(text), 1);

	request.op = PINTLE_KV_PUBLISH;
	kv_post(&host->kv, &request);
	arena_fini(&arena);
	return tell_listeners(host, name, json) ? PINTLE_OK : PINTLE_BUSY;
}

void event_tell(struct host *host, const char *name, json_t *details)
{
	struct arena arena = { 0 };

	(void)event_publish(host, name, json_text(&arena, details)); /* lost events are allowed */
	json_decref(details);
	arena_fini(&arena);
}
