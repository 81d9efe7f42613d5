/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics_message.h"

#include "metrics.h"

#include <string.h>

static const char *const fates[BOARD_FATES] = {
	[FATE_SENT] = "sent",           [FATE_ACCEPTED] = "accepted", [FATE_UNCLEAR] = "unclear",
	[FATE_DELIVERED] = "delivered", [FATE_LOST] = "lost",         [FATE_ENTERED] = "entered",
};

/* From a glance at the screen to a code that is nearly over. */
static const int64_t bounds_ms[BOARD_ENTRY_BUCKETS] = { 5000,  10000,  20000,  30000,
							60000, 120000, 300000, 600000 };

static const char *or_none(const char *text)
{
	return text ? text : "";
}

static struct board_message *slot_of(struct board *board, const struct metric_message *about)
{
	return board_message(board, about->gateway, or_none(about->country),
			     or_none(about->template_name));
}

void metrics_message(struct board *board, const struct metric_message *about, enum metric_fate fate)
{
	atomic_fetch_add_explicit(&slot_of(board, about)->by_fate[fate], 1, memory_order_relaxed);
}

void metrics_message_entered(struct board *board, const struct metric_message *about,
			     int64_t after_ms)
{
	struct board_message *slot = slot_of(board, about);
	size_t i = 0;

	while (i < BOARD_ENTRY_BUCKETS && after_ms > bounds_ms[i])
		i++;
	atomic_fetch_add_explicit(&slot->by_fate[FATE_ENTERED], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&slot->by_entry[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&slot->entry_ms, (uint64_t)(after_ms > 0 ? after_ms : 0),
				  memory_order_relaxed);
}

/* ---- The text ---- */

static uint64_t get(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static void put_labels(FILE *out, const struct board_message *slot)
{
	metrics_label(out, "gateway", slot->gateway);
	(void)fputc(',', out);
	metrics_label(out, "country", slot->country);
	(void)fputc(',', out);
	metrics_label(out, "template", slot->template_name);
}

static void put_fates(FILE *out, const struct board_message *slot)
{
	for (size_t fate = 0; fate < BOARD_FATES; fate++) {
		(void)fputs("pintle_gateway_messages_total{", out);
		put_labels(out, slot);
		(void)fprintf(out, ",fate=\"%s\"} %llu\n", fates[fate],
			      (unsigned long long)get(&slot->by_fate[fate]));
	}
}

static void put_entries(FILE *out, const struct board_message *slot)
{
	unsigned long long n = 0;

	for (size_t i = 0; i <= BOARD_ENTRY_BUCKETS; i++) {
		n += get(&slot->by_entry[i]);
		(void)fputs("pintle_gateway_entry_seconds_bucket{", out);
		put_labels(out, slot);
		if (i < BOARD_ENTRY_BUCKETS)
			(void)fprintf(out, ",le=\"%g\"} %llu\n", (double)bounds_ms[i] / 1e3, n);
		else
			(void)fprintf(out, ",le=\"+Inf\"} %llu\n", n);
	}
	(void)fputs("pintle_gateway_entry_seconds_sum{", out);
	put_labels(out, slot);
	(void)fprintf(out, "} %.3f\npintle_gateway_entry_seconds_count{",
		      (double)get(&slot->entry_ms) / 1e3);
	put_labels(out, slot);
	(void)fprintf(out, "} %llu\n", n);
}

typedef void put_slot(FILE *out, const struct board_message *slot);

static void each_slot(FILE *out, const struct board *board, put_slot *put)
{
	for (int i = 0; i < BOARD_MESSAGES; i++)
		if (atomic_load(&board->messages[i].is_named))
			put(out, &board->messages[i]);
}

void metrics_message_text(FILE *out, const struct board *board)
{
	metrics_head(out, "pintle_gateway_messages_total", "counter",
		     "Messages by gateway, country and template, and what became of them.");
	each_slot(out, board, put_fates);
	metrics_head(out, "pintle_gateway_entry_seconds", "histogram",
		     "Time from a message to the entry of its code.");
	each_slot(out, board, put_entries);
}
