/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open-loop latency of GET PATH: requests fall due at a fixed rate whether or not answers have come, and
 * each is counted from when it was due, so a stall is seen by all who would have met it.
 */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>

#define N_CLIENTS 64
#define PATIENCE_US 5000000 /* for the last answers */

struct slot {
	struct client client;
	int64_t due_us; /* of the request under way; 0: free */
};

static struct slot slots[N_CLIENTS];
static int64_t *latencies_us;
static size_t n_sent, n_done, n_bad;

static struct slot *free_slot(void)
{
	for (size_t i = 0; i < N_CLIENTS; i++)
		if (slots[i].due_us == 0)
			return &slots[i];
	return NULL;
}

static void take_answer(struct slot *slot)
{
	const char *body;
	int status = client_read(&slot->client, &body);

	if (status == 0)
		return;
	n_bad += status != 200;
	latencies_us[n_done++] = client_now_us() - slot->due_us;
	slot->due_us = 0;
}

static void wait_until(int epoll, int64_t until_us)
{
	int64_t wait_us = until_us - client_now_us();
	struct timespec timeout = { .tv_sec = wait_us / 1000000,
				    .tv_nsec = wait_us % 1000000 * 1000 };
	struct epoll_event events[N_CLIENTS];
	int n;

	if (wait_us < 0)
		timeout = (struct timespec){ 0 };
	n = epoll_pwait2(epoll, events, N_CLIENTS, &timeout, NULL);
	for (int i = 0; i < n; i++)
		take_answer(events[i].data.ptr);
}

static int by_size(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static double percentile_ms(double share)
{
	return (double)latencies_us[(size_t)(share * (double)(n_done - 1))] / 1000;
}

static void run(int epoll, const char *request, double rate, size_t n_wanted)
{
	const int64_t began_us = client_now_us();
	const int64_t end_us = began_us + (int64_t)((double)n_wanted / rate * 1e6) + PATIENCE_US;

	while (n_done < n_wanted && client_now_us() < end_us) {
		int64_t due_us = began_us + (int64_t)((double)n_sent / rate * 1e6);
		struct slot *slot =
			n_sent < n_wanted && due_us <= client_now_us() ? free_slot() : NULL;

		if (slot) {
			slot->due_us = due_us;
			client_send(&slot->client, request, strlen(request));
			n_sent++;
		} else {
			wait_until(epoll, n_sent < n_wanted && free_slot() ? due_us : end_us);
		}
	}
}

int main(int argc, char **argv)
{
	char *request;
	size_t n_wanted;
	int epoll;

	if (argc != 6) {
		(void)fprintf(stderr, "usage: paced PORT PATH TOKEN RATE SECONDS\n");
		return 2;
	}
	epoll = epoll_create1(EPOLL_CLOEXEC);
	(void)prctl(PR_SET_TIMERSLACK, 1);
	n_wanted = (size_t)(atof(argv[4]) * atof(argv[5]));
	latencies_us = calloc(n_wanted + 1, sizeof(*latencies_us));
	if (!latencies_us ||
	    asprintf(&request,
		     "GET %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n",
		     argv[2], argv[3]) < 0)
		client_die("memory");
	for (size_t i = 0; i < N_CLIENTS; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.ptr = &slots[i] };

		client_connect(&slots[i].client, 1, atoi(argv[1]));
		(void)epoll_ctl(epoll, EPOLL_CTL_ADD, slots[i].client.fd, &event);
	}
	run(epoll, request, atof(argv[4]), n_wanted);
	qsort(latencies_us, n_done, sizeof(*latencies_us), by_size);
	if (n_done == 0)
		client_die("no answer");
	printf("{\"n\": %zu, \"lost\": %zu, \"bad\": %zu, \"p50\": %.3f, \"p99\": %.3f, \"max\": "
	       "%.3f}\n",
	       n_done, n_wanted - n_done, n_bad, percentile_ms(0.5), percentile_ms(0.99),
	       percentile_ms(1));
	return 0;
}
