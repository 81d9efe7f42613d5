/* SPDX-License-Identifier: Apache-2.0 */
/* Has an option of a name that every section has. */
#include "base.h"

#ifdef FIXED
#define OWN "max_runners"
#else
#define OWN "max_running"
#endif
#define OPTS                                                                                       \
	{ "word", PINTLE_SECRET, PINTLE_OPT(struct conf, word), NULL, 8, 200, NULL, "A secret." }, \
		{ "group", PINTLE_STRING, PINTLE_OPT(struct conf, group), "sms", 1,                \
		  47,      NULL,          "The group of senders." },                               \
	{                                                                                          \
		OWN, PINTLE_INT, PINTLE_OPT(struct conf, number), "5", 1, 9, NULL, "A number."     \
	}
#include "end.h"
