/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many events may begin in a second: what comes after is left out. Pure, but for the time. */
#ifndef FW_EVENT_GATE_H
#define FW_EVENT_GATE_H

#include <stdbool.h>
#include <stdint.h>

struct event_gate {
	unsigned int most;  /* in each second */
	uint64_t second;    /* the last in which one came */
	unsigned int taken; /* in that second */
};

/* now_ns: of a clock that does not go back. */
bool event_gate_admits(struct event_gate *g, uint64_t now_ns);

#endif
