/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands in the wire's format. hiredis formats whole words with printf; here a key is put together in
 * place from prefix, epoch and name, and the memory is used again. [loop]
 */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed is empty. */
struct wire {
	char *bytes;
	size_t len, size;
	bool is_broken; /* there was no memory: nothing in it is good */
};

/* Forgets what was there and begins a command of n_words. */
void wire_begin(struct wire *wire, size_t n_words);
void wire_put(struct wire *wire, const void *bytes, size_t len);
/* One word of two parts. */
void wire_put_pair(struct wire *wire, const void *a, size_t a_len, const void *b, size_t b_len);
void wire_put_text(struct wire *wire, const char *text);
void wire_put_number(struct wire *wire, int64_t number);
void wire_fini(struct wire *wire);

#endif
