/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a process can change of itself, as it is now. */
#ifndef FW_FACTS_H
#define FW_FACTS_H

#include "holder.h"
#include "probe.h"

/* Of the process `pid` that started at start_ns. 0, or -errno with out->known false: -ESRCH when it
 * is gone, whoever has its number now. Reads two files of proc(5) that wait for nobody. */
int facts_read(const struct probe *probe, uint32_t pid, uint64_t start_ns, struct facts *out);

#endif
