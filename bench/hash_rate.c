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
	static struct crypt_data space;
	const double seconds = argc == 3 ? strtod(argv[2], NULL) : 0;
	const double began = now_s(CLOCK_MONOTONIC);
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	int n = 0;

	if (seconds <= 0 || !crypt_gensalt_rn("$2b$", strtoul(argv[1], NULL, 10), NULL, 0, setting,
					      sizeof(setting))) {
		(void)fprintf(stderr, "usage: hash_rate COST SECONDS\n");
		return 1;
	}
	do {
		if (!crypt_r("Rhubarb-lantern-42", setting, &space))
			return 1;
		n++;
	} while (now_s(CLOCK_MONOTONIC) - began < seconds);
	(void)printf("{\"n\": %d, \"seconds\": %.4f}\n", n, now_s(CLOCK_MONOTONIC) - began);
	return 0;
}
