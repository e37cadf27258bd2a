/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Deadlines, of which the earliest is found at once: a binary heap. It knows no clock. */
#ifndef FW_DEADLINES_H
#define FW_DEADLINES_H

#include <stddef.h>
#include <stdint.h>

/* Its owner's; all 0: in no heap. */
struct deadline {
	uint64_t at;  /* by whatever clock, the same for all of a heap */
	size_t place; /* in the heap, from 1; 0: in none */
};

/* All 0: empty. */
struct deadlines {
	struct deadline **heap;
	size_t n, room;
};

/* Room for n of them: 0 or -ENOMEM. Without it none more may be set. */
int deadlines_reserve(struct deadlines *d, size_t n);
void deadlines_free(struct deadlines *d);

/* One that is set moves; at may be any number. */
void deadlines_set(struct deadlines *d, struct deadline *t, uint64_t at);
void deadlines_unset(struct deadlines *d, struct deadline *t); /* one that is not set stays so */

/* NULL: none is set. */
struct deadline *deadlines_first(const struct deadlines *d);

#endif
