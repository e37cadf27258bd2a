/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * pidfd_getfd(2) takes a descriptor out of another process, and needs a pidfd of it, or of one of
 * its threads. Of whom there never was one, nobody has taken any (from linux 6.17 on, which tells).
 */
#ifndef PROBES_PIDFD_H
#define PROBES_PIDFD_H

#include "in_place.h"

/* Whether it or a thread of it has, or had, a pidfd. Threads that have ended have left a mark. */
static __always_inline bool has_pidfd(const struct proc_rec *proc)
{
	if (proc->flags & PROC_PIDFD)
		return true;
	if (proc->flags & PROC_EXITED)
		return task_has_pidfd(proc->task) || task_has_pidfd(proc->last);
	return threads_have_pidfd(proc->task);
}

#endif
