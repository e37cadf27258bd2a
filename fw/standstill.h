/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For who loses patience by the clock: whether the daemon itself has not run meanwhile (it was
 * stopped, the machine paused). What did not come in that time is not late. Pure.
 */
#ifndef FW_STANDSTILL_H
#define FW_STANDSTILL_H

#include <stdint.h>

#define STANDSTILL_NS 500000000ull /* longer than a loaded machine lets a process wait */

/* All zeros at first. */
struct standstill {
	uint64_t last_ns, end_ns;
};

/* To be called far more often than every STANDSTILL_NS while anything is waited for; in ns, of a
 * clock that does not go back. */
void standstill_look(struct standstill *s, uint64_t now_ns);

/* For how long something has been waited for since then, of which the daemon has run all the time:
 * since the end of the last standstill at most. 0 if it is not then yet. */
uint64_t standstill_waited(const struct standstill *s, uint64_t then_ns, uint64_t now_ns);

#endif
