// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* See table.h. */
#include "table.h"

static __always_inline bool is_in_exit(const struct task_struct *task, __u32 tgid)
{
	return BPF_CORE_READ(task, tgid) == (int)tgid &&
	       (BPF_CORE_READ(task, flags) & PF_EXITING) && !BPF_CORE_READ(task, exit_state);
}

static __always_inline const struct task_struct *youngest_thread(const struct task_struct *leader)
{
	const struct list_head *at = BPF_CORE_READ(leader, signal, thread_head.prev);

	return (void *)at - bpf_core_field_offset(struct task_struct, thread_node);
}

/* Of its threads the last to go is not always the one that closes the descriptors: three are looked
 * at, which is all that most have. */
int is_leaving(const struct proc_rec *proc, __u32 tgid)
{
	const struct task_struct *leader;

	if (!proc || !(proc->flags & PROC_EXITED))
		return 0;
	leader = (const void *)proc->task;
	return is_in_exit((const void *)proc->last, tgid) || is_in_exit(leader, tgid) ||
	       is_in_exit(youngest_thread(leader), tgid);
}
