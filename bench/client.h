/* SPDX-License-Identifier: Apache-2.0 */
/* A keep-alive HTTP client for one connection, with just what the load programs need. */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLIENT_BUFFER 8192

struct client {
	int fd;
	size_t len; /* of what has come of the answer under way */
	char bytes[CLIENT_BUFFER];
};

int64_t client_now_us(void);
double client_cpu_seconds(void); /* of this process so far */
/* Prints why and ends the program: a load that fails measures nothing. */
void client_die(const char *what) __attribute__((noreturn));
/* Connects from 127.0.0.host to port of 127.0.0.1; non-blocking afterwards. */
void client_connect(struct client *client, int host, int port);
void client_send(struct client *client, const char *request, size_t len);
/* Reads what there is. The status once the answer is whole, its body in *body_out with a NUL; else 0. */
int client_read(struct client *client, const char **body_out);

#endif
