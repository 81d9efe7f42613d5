/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

#ifdef FIXED
#define MEMBER number
#else
#define MEMBER word
#endif
#define OPTS                                                                                       \
	{ "group", PINTLE_STRING, PINTLE_OPT(struct conf, group), "sms", 1,                        \
	  47,      NULL,          "The group of senders." },                                       \
		{ "word", PINTLE_SECRET, PINTLE_OPT(struct conf, word), NULL, 8, 200,              \
		  NULL,   "A secret." },                                                           \
	{                                                                                          \
		"number", PINTLE_INT, PINTLE_OPT(struct conf, MEMBER), "5", 1, 9, NULL,            \
			"A number."                                                                \
	}
#include "end.h"
