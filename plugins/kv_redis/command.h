/* SPDX-License-Identifier: Apache-2.0 */
/* What is sent for an op, and what its answer means. */
#ifndef COMMAND_H
#define COMMAND_H

#include "names.h"
#include "script.h"
#include "wire.h"

#define SHA_LEN 40

/* The names under which the server knows the scripts. */
struct shas {
	char at[SCRIPT_N][SHA_LEN + 1];
};

/* Whether request is one the contract allows; else it ends INTERNAL. */
bool command_is_sound(const struct pintle_kv_request *request);
/* A read without remaining life is a plain MGET, every other op on records a script. */
bool command_is_script(const struct pintle_kv_request *request);
void command_make(struct wire *wire, const struct names *names, const struct shas *shas,
		  const struct pintle_kv_request *request);

enum command_outcome {
	COMMAND_ANSWERED,
	COMMAND_FORGOTTEN, /* the server has lost the script; nothing was done */
	COMMAND_FAILED,    /* the server refuses; out is UNAVAILABLE, the connection is good */
	COMMAND_STALE,     /* another epoch has begun; nothing was done */
	COMMAND_LOST       /* nothing more can be had from this server */
};

/* What is needed of a request to read its answer. */
struct command_kind {
	int32_t op;
	bool is_script;
};

/* out lends from reply. */
enum command_outcome command_read(struct command_kind kind, const struct names *names,
				  const redisReply *reply, struct pintle_kv_answer *out);

#endif
