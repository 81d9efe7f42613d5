/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of pintled for people to read. */
#ifndef SHOW_H
#define SHOW_H

#include <jansson.h>

typedef void show_fn(const json_t *data);

show_fn show_json, show_nothing, show_status, show_providers, show_gateways, show_tests, show_user,
	show_key, show_outbox, show_routes;

#endif
