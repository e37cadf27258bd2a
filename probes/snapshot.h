/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The executable mappings of who sends, as he sends: see snapshot.bpf.c. */
#ifndef PROBES_SNAPSHOT_H
#define PROBES_SNAPSHOT_H

#include "maps.h"

/* Of the current process, unless somebody is changing them. A function of its own, not inlined: the
 * verifier looks at it once. Returns 0. */
__noinline int snapshot_take(void);

#endif
