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

/* How an op on records is sure that it met the epoch it was meant for. */
enum command_form {
	COMMAND_SCRIPT, /* it looks before it does anything */
	COMMAND_READ,   /* it reads the epoch besides */
	COMMAND_TO_PROVE, /* it does not look: good if the epoch, read after it, is still the same, for none
			    comes back; else what it did is in records nobody sees any more */
	COMMAND_MESSAGE /* it is none on records */
};

/* What is needed of a request to read its answer. */
struct command_kind {
	int32_t op;
	enum command_form form;
	int64_t ttl_ms; /* of what it writes */
};

struct command_kind command_kind(const struct pintle_kv_request *request);
void command_make(struct wire *wire, const struct names *names, const struct shas *shas,
		  const struct pintle_kv_request *request);

enum command_outcome {
	COMMAND_ANSWERED,
	COMMAND_FORGOTTEN, /* the server has lost the script; nothing was done */
	COMMAND_FAILED,    /* the server refuses; out is UNAVAILABLE, the connection is good */
	COMMAND_STALE,     /* another epoch has begun; nothing was done that can be seen */
	COMMAND_LOST       /* nothing more can be had from this server */
};

/* out lends from reply. */
enum command_outcome command_read(struct command_kind kind, const struct names *names,
				  const redisReply *reply, struct pintle_kv_answer *out);

/* The question behind what is to be proved, and whether its answer is the epoch that was meant. */
void command_make_look(struct wire *wire, const struct names *names);
bool command_is_same_epoch(const struct names *names, const redisReply *reply);

#endif
