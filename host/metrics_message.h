/* SPDX-License-Identifier: Apache-2.0 */
/* What became of messages, by gateway, country and template, in the board. [any] */
#ifndef METRICS_MESSAGE_H
#define METRICS_MESSAGE_H

#include "board.h"

#include <stdio.h>

/* Its labels; country and template_name may be NULL or empty. */
struct metric_message {
	const char *gateway, *country, *template_name;
};

enum metric_fate {
	FATE_SENT,
	FATE_ACCEPTED,
	FATE_UNCLEAR,
	FATE_DELIVERED,
	FATE_LOST,
	FATE_ENTERED
};

void metrics_message(struct board *board, const struct metric_message *about,
		     enum metric_fate fate);
void metrics_message_entered(struct board *board, const struct metric_message *about,
			     int64_t after_ms);
/* For metrics_text. */
void metrics_message_text(FILE *out, const struct board *board);

#endif
