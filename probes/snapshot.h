/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The executable mappings of who sends, as he sends: see snapshot.bpf.c. */
#ifndef PROBES_SNAPSHOT_H
#define PROBES_SNAPSHOT_H

#include "maps.h"

/*
 * Of the current process, unless somebody is changing them. To be called within a call of its own
 * that changes none: the lock that is tried has tracepoints, and a program of ours that is at one
 * already, when an interrupt comes, is left out there, which counts as a loss (probe_missed()). A
 * function of its own, not inlined: the verifier looks at it once. Returns 0.
 */
__noinline int snapshot_take(void);

#endif
