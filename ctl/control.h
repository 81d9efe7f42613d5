/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP with a running pintled over the Unix socket in its state directory. */
#ifndef CONTROL_H
#define CONTROL_H

#include <jansson.h>
#include <stdbool.h>

#define CONTROL_ERR_MAX 1024

struct control {
	const char *state_dir;
	int dir_fd; /* -1: not open yet */
	char error[CONTROL_ERR_MAX];
};

enum control_result {
	CONTROL_OK,
	CONTROL_REFUSED, /* it answered no */
	CONTROL_GONE     /* nobody answers */
};

/*
 * One request. body is taken over and may be NULL. On OK *data_out is the data of the answer, the
 * caller's; else control->error says why in one line and *data_out is NULL.
 */
enum control_result control_ask(struct control *control, const char *method, const char *path,
				json_t *body, json_t **data_out);
void control_fini(struct control *control);

#endif
