/* SPDX-License-Identifier: Apache-2.0 */
#include "words.h"

#include <pintle/helpers.h>
#include <pintle/status.h>
#include <string.h>

static const struct {
	const char *word;
	int32_t status;
} statuses[] = {
	{ "ok", PINTLE_OK },
	{ "pending", PINTLE_PENDING },
	{ "more", PINTLE_MORE },
	{ "denied", PINTLE_DENIED },
	{ "expired", PINTLE_EXPIRED },
	{ "invalid", PINTLE_INVALID },
	{ "not_found", PINTLE_NOT_FOUND },
	{ "conflict", PINTLE_CONFLICT },
	{ "limited", PINTLE_LIMITED },
	{ "forbidden", PINTLE_FORBIDDEN },
	{ "unavailable", PINTLE_UNAVAILABLE },
	{ "timeout", PINTLE_TIMEOUT },
	{ "busy", PINTLE_BUSY },
	{ "internal", PINTLE_INTERNAL },
};

#define N_STATUSES (sizeof(statuses) / sizeof(statuses[0]))

const char *words_status(int32_t status)
{
	for (size_t i = 0; i < N_STATUSES; i++) {
		if (statuses[i].status == status)
			return statuses[i].word;
	}
	return "?";
}

int32_t words_status_of(const char *word)
{
	for (size_t i = 0; i < N_STATUSES; i++) {
		if (strcmp(statuses[i].word, word) == 0)
			return statuses[i].status;
	}
	return -1;
}

int32_t words_purpose_of(const char *word)
{
	for (int32_t purpose = PINTLE_LOGIN; purpose <= PINTLE_MFA; purpose++) {
		if (strcmp(pintle_purpose_word(purpose), word) == 0)
			return purpose;
	}
	return -1;
}

bool words_is_final(int32_t status)
{
	return strcmp(words_status(status), "?") != 0;
}
