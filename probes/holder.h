/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether a memo's holder is as he was. It is part of in_place.bpf.c. */
#ifndef PROBES_HOLDER_H
#define PROBES_HOLDER_H

#include "cache.h"
#include "cast.h"

/* See holder_holds(). closed: he had it, and it is not to be looked for. */
static __always_inline enum probe_counter is_as_before(const struct memo_holder *h, __u64 file,
						       bool closed)
{
	const struct task_struct *task = view(task_struct, h->task);
	const struct mm_struct *mm;

	if (gen_of(h->who.tgid) != h->gen)
		return memo_why_moved(h);
	if (!closed && !has(task, h->files, h->fd, file))
		return PCOUNT_CACHE_HOLDERS;
	mm = field(task, mm);
	if (!mm)
		return PCOUNT_CACHE_HOLDERS;
	return field(mm, exec_vm) == h->who.exec_pages ? PCOUNT_COUNT : PCOUNT_CACHE_MAPPINGS;
}

#endif
