/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * pidfd_getfd(2) takes a descriptor out of another process, and needs a pidfd of it, or of one of
 * its threads. Of whom there never was one, nobody has taken any (from linux 6.17 on, which tells).
 */
#ifndef PROBES_PIDFD_H
#define PROBES_PIDFD_H

#include "maps.h"

#define PIDFD_THREADS 64 /* of more, one is taken to have one */

static __always_inline bool thread_has_pidfd(const struct task_struct *task)
{
	const struct pid *pid = BPF_CORE_READ(task, thread_pid);

	return bpf_core_field_exists(pid->attr) && BPF_CORE_READ(pid, attr);
}

struct pidfds {
	const struct signal_struct *process;
	struct list_head *at;
	__u32 found;
};

static long look_for_pidfd(__u32 i, struct pidfds *c)
{
	struct list_head *at = c->at;
	const struct task_struct *task =
		(void *)at - bpf_core_field_offset(struct task_struct, thread_node);

	/* The end of the list, or it leads astray. */
	if (!at || BPF_CORE_READ(task, signal) != c->process)
		return 1;
	c->found = i == PIDFD_THREADS || thread_has_pidfd(task);
	c->at = BPF_CORE_READ(at, next);
	return c->found;
}

/* Whether it or a thread of it has, or had, a pidfd. Threads that have ended have left a mark. */
static __always_inline bool has_pidfd(const struct proc_rec *proc)
{
	const struct task_struct *leader = (const void *)proc->task;
	const struct task_struct *last = (const void *)proc->last;
	const struct signal_struct *process;
	struct pidfds c = {};

	if (proc->flags & PROC_EXITED)
		return (proc->flags & PROC_PIDFD) || thread_has_pidfd(leader) ||
		       thread_has_pidfd(last);
	process = BPF_CORE_READ(leader, signal);
	c.process = process;
	c.at = BPF_CORE_READ(process, thread_head.next);
	bpf_loop(PIDFD_THREADS + 1, look_for_pidfd, &c, 0);
	return c.found || (proc->flags & PROC_PIDFD);
}

#endif
