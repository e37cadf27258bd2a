/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a process can change of itself, as it is now. */
#ifndef FW_FACTS_H
#define FW_FACTS_H

#include "holder.h"
#include "probe.h"

/* What is read of the cgroups: of longer ones nothing is known. */
#define FACTS_CGROUPS_MAX 4096

/* Of the process `pid` that started at start_ns. 0, or -errno with out->known false: -ESRCH when it
 * is gone, whoever has its number now. Its cgroups are read into `cgroups`; NULL: they
 * are not. Reads files of proc(5) that wait for nobody (the last since linux 6.8). */
int facts_read(const struct probe *probe, uint32_t pid, uint64_t start_ns,
	       char cgroups[FACTS_CGROUPS_MAX], struct facts *out);

#endif
