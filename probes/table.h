/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Descriptor tables (struct files_struct): which process uses which, and what lies at a number. As
 * a rule a process has one and it is its own; threads that unshare(2) theirs and processes that
 * share one (CLONE_FILES) are the exceptions. All is read anew each time: the addresses on record
 * only say where.
 */
#ifndef PROBES_TABLE_H
#define PROBES_TABLE_H

#include "in_place.h"

#define THREADS_MAX \
	1024 /* threads of one process that are looked at, where its leader does not tell */

struct threads {
	const struct signal_struct *process;
	struct list_head *at;
	__u64 files;
	__u32 *count; /* in a map: the verifier would follow each value of one on the stack; NULL:
			 one is enough */
	__u32 found;
};

static long look_at_thread(__u32 i, struct threads *t)
{
	const struct task_struct *task =
		(void *)t->at - bpf_core_field_offset(struct task_struct, thread_node);
	struct list_head *at = t->at;

	/* The list may lead astray when a thread ends under us: what is found must be of the
	 * process. */
	if (!at || BPF_CORE_READ(task, signal) != t->process)
		return 1;
	t->at = BPF_CORE_READ(at, next);
	if ((__u64)BPF_CORE_READ(task, files) != t->files)
		return 0;
	t->found = 1;
	if (!t->count)
		return 1;
	(*t->count)++;
	return 0;
}

/* Whether threads of a process use the table; all of them are added to *count, or NULL. */
static __always_inline bool threads_use(const struct proc_rec *proc, __u64 files, __u32 *count)
{
	const struct task_struct *leader = (const void *)proc->task;
	const struct signal_struct *process = BPF_CORE_READ(leader, signal);
	struct threads t = {.process = process, .files = files, .count = count};

	t.at = BPF_CORE_READ(process, thread_head.next);
	bpf_loop(THREADS_MAX, look_at_thread, &t, 0);
	return t.found;
}

/*
 * Whether a process is inside exit(2) right now: its descriptors are being closed one by one, and
 * which of them still count as references cannot be seen from outside. See table.bpf.c.
 */
int is_leaving(const struct proc_rec *proc, __u32 tgid);

/* Until it is closed, the table of a process that ends is its own. */
static __always_inline bool uses_table(const struct proc_rec *proc, __u32 tgid, __u64 files)
{
	const struct task_struct *leader = (const void *)proc->task;
	const struct task_struct *last = (const void *)proc->last;

	if (proc->flags & PROC_EXITED)
		return (__u64)BPF_CORE_READ(last, files) == files && is_leaving(proc, tgid);
	return (__u64)BPF_CORE_READ(leader, files) == files || threads_use(proc, files, NULL);
}

/* What lies at a number, or NULL. Only while somebody uses the table: its memory may be another's
 * else.
 */
static __always_inline const struct file *file_at(const struct files_struct *files, __u32 fd)
{
	struct fdtable *fdt = BPF_CORE_READ(files, fdt);
	struct file **array, *file = NULL;

	if (fd >= BPF_CORE_READ(fdt, max_fds))
		return NULL;
	array = BPF_CORE_READ(fdt, fd);
	bpf_probe_read_kernel(&file, sizeof(file), array + fd);
	return file;
}

/* As file_at, of the current thread's own table: nearly free, it is read in place. */
static __always_inline const struct file *current_file(__u32 fd)
{
	const struct fdtable *fdt = bpf_get_current_task_btf()->files->fdt;
	const struct file *file = NULL;

	if (fd < fdt->max_fds)
		bpf_probe_read_kernel(&file, sizeof(file), fdt->fd + fd);
	return file;
}

static __always_inline __u32 lowest_bit(__u64 word)
{
	__u32 n = 0;

	for (__u32 width = 32; width; width /= 2)
		if (!(word & ((1ull << width) - 1))) {
			word >>= width;
			n += width;
		}
	return n;
}

#define FREE_WORDS 4 /* of 64 descriptors each: further is not worth a look */

/* Where the current thread's next descriptor will be, as far as can be told: next_fd is only where
 * the kernel begins to look for a free one. */
static __always_inline __u32 next_descriptor(const struct files_struct *files)
{
	const struct fdtable *fdt = files->fdt;
	__u32 fd = files->next_fd;

	for (int i = 0; i < FREE_WORDS && fd < fdt->max_fds; i++) {
		unsigned long used = ~0ul, free;

		bpf_probe_read_kernel(&used, sizeof(used), fdt->open_fds + fd / 64);
		free = ~used >> (fd & 63);
		if (free)
			return fd + lowest_bit(free);
		fd = (fd | 63) + 1;
	}
	return fd;
}

static __always_inline bool table_has(__u64 files, __u32 fd, const struct file *file)
{
	return file_at((const struct files_struct *)files, fd) == file;
}

/*
 * A descriptor of the file, or -1. The kernel gives out the lowest free number, and begins to look
 * for it at next_fd: from there the search goes outwards, `reach` descriptors each way.
 */
__noinline int table_find(__u64 files, __u64 file, __u32 reach);

#endif
