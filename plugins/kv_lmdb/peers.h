/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets in the folder of the bus, read again only when the folder has changed. */
#ifndef PEERS_H
#define PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define PEER_NAME_MAX 64

struct peers {
	int dir_fd; /* -1: not open */
	struct timespec changed;
	bool is_settled;
	char (*names)[PEER_NAME_MAX];
	size_t n_names, n_room;
};

/* 0, or an errno. The folder is made when missing. */
int peers_refresh(struct peers *peers, const char *path);
void peers_fini(struct peers *peers);

#endif
