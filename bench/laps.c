/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * laps: what timing its stages costs one packet, in ns: three looks at the TSC and two entries in a
 * histogram, as judge_packet() makes them; and a call's share of a burst is left out, being a few
 * ns more. The median of many batches.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "fw/clock.h"
#include "fw/stats.h"

#define BATCHES 101
#define PACKETS 10000

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(void)
{
	static struct stats stats;
	double took[BATCHES];

	for (int b = 0; b < BATCHES; b++) {
		double began = now_ns();

		for (int i = 0; i < PACKETS; i++) {
			uint64_t start = clock_ticks(), attributed = clock_ticks();

			histogram_add(&stats.stage[STAGE_ATTRIBUTE], attributed - start, 1);
			histogram_add(&stats.stage[STAGE_DECIDE], clock_ticks() - attributed, 1);
		}
		took[b] = (now_ns() - began) / PACKETS;
	}
	qsort(took, BATCHES, sizeof(took[0]), by_size);
	printf("laps_ns %.1f\n", took[BATCHES / 2]);
	return 0;
}
