/* SPDX-License-Identifier: Apache-2.0 */
/* Raw bcrypt in one thread for some seconds: what no server of logins can exceed. */
#include <crypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now_s(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	const double seconds = argc == 3 ? atof(argv[2]) : 0;
	const double began = now_s(CLOCK_MONOTONIC), began_cpu = now_s(CLOCK_PROCESS_CPUTIME_ID);
	struct crypt_data *space = calloc(1, sizeof(*space));
	double wall = 0;
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	int n = 0;

	if (seconds <= 0 || !space ||
	    !crypt_gensalt_rn("$2b$", strtoul(argv[1], NULL, 10), NULL, 0, setting,
			      sizeof(setting))) {
		fprintf(stderr, "usage: hash_rate COST SECONDS\n");
		return 1;
	}
	for (; wall < seconds; wall = now_s(CLOCK_MONOTONIC) - began, n++)
		if (!crypt_r("Rhubarb-lantern-42", setting, space))
			return 1;
	printf("{\"n\": %d, \"seconds\": %.4f, \"cpu\": %.4f}\n", n, wall,
	       now_s(CLOCK_PROCESS_CPUTIME_ID) - began_cpu);
	free(space);
	return 0;
}
