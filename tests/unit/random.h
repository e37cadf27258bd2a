/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random input that can be had again: UNIT_SEED=N repeats the run that printed "seed N". */
#ifndef TESTS_RANDOM_H
#define TESTS_RANDOM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct rng {
	uint64_t state;
};

static inline struct rng rng_new(void)
{
	const char *given = getenv("UNIT_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);

	printf("seed %llu ", (unsigned long long)seed);
	return (struct rng){seed};
}

/* A Weyl sequence, its steps scattered by two multiplications. */
static inline uint64_t rng_next(struct rng *r)
{
	uint64_t x = r->state += 0xa0761d6478bd642full;

	x = (x ^ (x >> 32)) * 0xe7037ed1a0b428dbull;
	x = (x ^ (x >> 29)) * 0x8ebc6af09c88c6e3ull;
	return x ^ (x >> 32);
}

/* 0..n-1 */
static inline uint64_t rng_below(struct rng *r, uint64_t n)
{
	return rng_next(r) % n;
}

#endif
