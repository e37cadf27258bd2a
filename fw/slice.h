/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long the scheduler lets a thread run in one go, which is how soon it lets it begin: who asks
 * for little is preferred to who asks for more (EEVDF, linux 6.12: kernel/sched/fair.c,
 * do_preempt_short). Without, a thread that is woken beside a program that runs may have to wait
 * for the end of its slice, some milliseconds.
 */
#ifndef FW_SLICE_H
#define FW_SLICE_H

#include <stdbool.h>

#define SLICE_BRIEF_NS 100000 /* the least there is */

/* Of the calling thread: brief, or as the kernel has it. Nothing else of how it is scheduled
 * changes. A kernel that cannot, or a thread of another policy than SCHED_OTHER, stays as it is. */
void slice_set(bool brief);

#endif
