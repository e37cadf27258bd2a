/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * laps: what timing its stages costs one packet, in ns: two looks at the TSC and two entries in a
 * histogram, as judge_attributed() makes them; a call's share of a burst is left out, being a few
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
		uint64_t since = clock_ticks();

		for (int i = 0; i < PACKETS; i++) {
			uint64_t attributed = clock_ticks(), decided;

			histogram_add(&stats.stage[STAGE_ATTRIBUTE], attributed - since, 1);
			decided = clock_ticks();
			histogram_add(&stats.stage[STAGE_DECIDE], decided - attributed, 1);
			since = decided;
		}
		took[b] = (now_ns() - began) / PACKETS;
	}
	qsort(took, BATCHES, sizeof(took[0]), by_size);
	printf("laps_ns %.1f\n", took[BATCHES / 2]);
	return 0;
}
