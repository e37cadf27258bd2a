/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A change that is in force for a time, and rolled back unless it is confirmed in that time: what
 * was before it, and until when. While it lasts, the disk has what was before: a daemon that ends
 * and starts again has rolled it back. Pure: the time is passed in.
 */
#ifndef FW_TRIAL_H
#define FW_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/mode.h"
#include "ruleset.h"

#define TRIAL_MIN_S 1
#define TRIAL_MAX_S 86400

enum trial_of {
	TRIAL_NONE,
	TRIAL_MODE,
	TRIAL_RULES,
};

struct trial {
	enum trial_of of;
	uint64_t deadline_ns;  /* CLOCK_MONOTONIC */
	enum mode mode;	       /* before, of TRIAL_MODE */
	struct ruleset *rules; /* before, of TRIAL_RULES: with a reference; else NULL */
};

/*
 * Begins one with what is in force now as what was before. One after another of the same kind keeps
 * what was before the first: that was confirmed last. 0; -EBUSY while one of the other kind lasts.
 */
int trial_of_mode(struct trial *t, enum mode now, uint64_t deadline_ns);
int trial_of_rules(struct trial *t, struct ruleset *now, uint64_t deadline_ns);

/* Whether it is to be rolled back: never without one. */
bool trial_is_over(const struct trial *t, uint64_t now_ns);

/* Forgets it, confirmed or rolled back. */
void trial_end(struct trial *t);

/* "mode" or "rules"; NULL without one. */
const char *trial_name(const struct trial *t);

#endif
