/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a cases file for the numbers of the ABI. */
#ifndef WORDS_H
#define WORDS_H

#include <stdbool.h>
#include <stdint.h>

/* "ok", "denied", "unavailable" …; "?" for a number that is no status. */
const char *words_status(int32_t status);
/* -1: no status is called that. */
int32_t words_status_of(const char *word);
/* "login", "register" …; -1: none. */
int32_t words_purpose_of(const char *word);
/* A status an op may end in. */
bool words_is_final(int32_t status);

#endif
