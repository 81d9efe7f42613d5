/* SPDX-License-Identifier: Apache-2.0 */
/* What an operation can end in, and the small enumerations both sides share. */
#ifndef PINTLE_STATUS_H
#define PINTLE_STATUS_H

#include <stdint.h>

/*
 * Three families. Fine: the op did its work. Denied (16..31): the caller's doing; the host may count
 * it against them and tells them so. Fault (32..): ours or an upstream's; never counted, never
 * explained to the caller. A fault must not be reported as a denial nor the other way round.
 */
enum pintle_status {
	PINTLE_OK = 0,
	PINTLE_PENDING = 1, /* an op: done() will be called later; a flow: not decided yet */
	PINTLE_MORE = 2,    /* right so far, another challenge follows in the same flow */

	PINTLE_DENIED = 16,  /* wrong code, wrong secret */
	PINTLE_EXPIRED = 17, /* what was presented is no longer valid */
	PINTLE_INVALID = 18, /* a field is missing or malformed; say which with invalid() */
	PINTLE_NOT_FOUND = 19,
	PINTLE_CONFLICT = 20,  /* belongs to somebody else, or exists already */
	PINTLE_LIMITED = 21,   /* a limit is exhausted; retry later */
	PINTLE_FORBIDDEN = 22, /* known who it is, and they may not */

	PINTLE_UNAVAILABLE = 32, /* a store or an upstream is down */
	PINTLE_TIMEOUT = 33,     /* the call's deadline has passed */
	PINTLE_BUSY =
		34, /* a queue is full, or a transaction lost to another; retry at once is fine */
	PINTLE_INTERNAL = 35 /* a bug, a failed allocation, an answer that makes no sense */
};

#define PINTLE_IS_DENIAL(status) ((status) >= 16 && (status) < 32)
#define PINTLE_IS_FAULT(status) ((status) >= 32)

/* What a flow is for. A code is good for its own purpose only. */
enum pintle_purpose {
	PINTLE_LOGIN = 0,
	PINTLE_REGISTER = 1,
	PINTLE_BIND = 2,
	PINTLE_RESET = 3,
	PINTLE_CHANGE = 4,
	PINTLE_MFA = 5
};

enum pintle_log_level { PINTLE_LOG_ERROR, PINTLE_LOG_WARN, PINTLE_LOG_INFO, PINTLE_LOG_DEBUG };

#endif
