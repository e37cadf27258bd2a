// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* See table.h. */
#include "table.h"

/*
 * Whether its descriptors may not all be closed yet. The kernel lets go of a thread's directories
 * right after them (kernel/exit.c, do_exit()). It may end for long after that: the table is not
 * cleared as it is closed, and what it points to may be another's file by then.
 */
static __always_inline bool is_in_exit(const struct task_struct *task, __u32 tgid)
{
	return BPF_CORE_READ(task, tgid) == (int)tgid &&
	       (BPF_CORE_READ(task, flags) & PF_EXITING) && BPF_CORE_READ(task, fs);
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

#define CHUNK 4 /* descriptors that are read at once; power of two */

struct looking {
	const struct file *file;
	struct file **array;
	__u32 chunks; /* in the table; 0: found */
	__u32 from;   /* chunk; then the descriptor */
	struct file *chunk[CHUNK];
};

static long look_at_chunk(__u32 i, struct looking *l)
{
	__u32 step = (i + 1) / 2, at = i & 1 ? l->from + step : l->from - step;

	if (at >= l->chunks)
		return 0; /* past the end, or below 0 */
	if (bpf_probe_read_kernel(l->chunk, sizeof(l->chunk), l->array + at * CHUNK))
		return 1;
	for (__u32 n = 0; n < CHUNK; n++)
		if (l->chunk[n] == l->file) {
			l->from = at * CHUNK + n;
			l->chunks = 0;
			return 1;
		}
	return 0;
}

int table_find(__u64 at, __u64 file, __u32 reach)
{
	const struct files_struct *files = (const void *)at;
	struct looking l = {.file = (const void *)file};
	struct fdtable *fdt = BPF_CORE_READ(files, fdt);

	l.array = BPF_CORE_READ(fdt, fd);
	l.chunks = BPF_CORE_READ(fdt, max_fds) / CHUNK;
	l.from = BPF_CORE_READ(files, next_fd) / CHUNK;
	if (!l.chunks)
		return -1;
	bpf_loop(reach / CHUNK * 2, look_at_chunk, &l, 0);
	return l.chunks ? -1 : (int)l.from;
}
