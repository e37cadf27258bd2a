// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The executable mappings of the process that sends a packet, read within its own call: once for
 * each state of them, so that the daemon, when it comes to judge, has them as they were.
 *
 * The kernel's iterator (linux 6.7) tries the lock of the memory and does not wait for it. It needs
 * the process to have that memory for as long as it runs (kernel/bpf/task_iter.c takes no reference
 * before it was mended in 2026), as the current one has.
 */
#include "snapshot.h"
#include "in_place.h"
#include "proc.h"

struct bpf_iter_task_vma {
	__u64 opaque;
};

extern int bpf_iter_task_vma_new(struct bpf_iter_task_vma *it, struct task_struct *task,
				 __u64 addr) __ksym __weak;
extern struct vm_area_struct *bpf_iter_task_vma_next(struct bpf_iter_task_vma *it) __ksym __weak;
extern void bpf_iter_task_vma_destroy(struct bpf_iter_task_vma *it) __ksym __weak;

/* The thread by which the mappings can be found later: the first, unless it has ended. */
static __always_inline __u64 longest_lived(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);

	return (__u64)(BPF_CORE_READ(leader, mm) ? leader : task);
}

/* A plain value, which functions that the verifier looks at once want. */
static __always_inline __u64 plain(volatile __u64 *room, const void *address)
{
	*room = (__u64)address;
	return *room;
}

/*
 * Whether nobody was changing them. They are counted where the verifier does not follow the number:
 * it would go through the loop once for each. And they are looked at by their addresses: where it
 * knows types it searches all of the kernel's for each pointer, which took 0.2 s.
 */
static __always_inline bool look_through(struct snapshot *s, struct task_struct *task)
{
	__u64 thread = longest_lived();
	struct bpf_iter_task_vma it;
	struct vm_area_struct *vma;
	struct vma_rec *rec;
	bool looked;

	s->n = 0;
	looked = !bpf_iter_task_vma_new(&it, task, 0);
	while ((vma = bpf_iter_task_vma_next(&it))) {
		if (!(vma->vm_flags & VM_EXEC))
			continue;
		rec = &s->mapping[s->n & (ABI_SNAPSHOT_MAPPINGS - 1)];
		__builtin_memset(rec, 0, sizeof(*rec));
		mapping_told(rec, thread, plain(&rec->start, vma));
		s->n++;
	}
	bpf_iter_task_vma_destroy(&it);
	return looked;
}

static __always_inline void needs_no_other(struct proc_rec *rec, __u64 stamp, __u64 pages)
{
	rec->shot_stamp = stamp;
	rec->shot_pages = pages;
}

/* Of a state that was this one throughout. */
static __always_inline void write_down(struct snapshot *s, struct proc_rec *rec,
				       struct task_struct *task, __u64 stamp, __u64 pages)
{
	bool looked;

	s->map_stamp = 0;
	s->taken_ns = bpf_ktime_get_boot_ns();
	looked = look_through(s, task);
	if (!looked || rec->in_flight || rec->map_stamp != stamp)
		return;
	needs_no_other(rec, stamp, pages);
	if (s->n > ABI_SNAPSHOT_MAPPINGS)
		return;
	s->start_ns = rec->start_ns;
	s->exec_ns = rec->exec_ns;
	s->tgid = task->tgid;
	s->exec_pages = pages;
	s->map_stamp = stamp;
}

/* Whether it is worth the while of who sends: who makes code as he runs has another state soon. */
static __always_inline bool is_short(const struct proc_rec *rec, const struct mm_struct *mm)
{
	return mm->map_count <= ABI_SNAPSHOT_ALL && !(rec->flags & PROC_ANON_EXEC);
}

int snapshot_take(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct proc_rec *rec = current_proc();
	const struct mm_struct *mm = task->mm;
	struct snapshots *all;
	__u64 stamp, pages, turn;
	struct snapshot *s;
	__u32 only = 0;

	if (!bpf_iter_task_vma_new || !rec || rec->in_flight || !mm || rec->mm != (__u64)mm)
		return 0;
	stamp = rec->map_stamp;
	barrier();
	pages = mm->exec_vm;
	if (!is_short(rec, mm)) {
		needs_no_other(rec, stamp, pages);
		return 0;
	}
	all = bpf_map_lookup_elem(&snapshots, &only);
	if (!all)
		return 0;
	s = &all->ring[__sync_fetch_and_add(&all->begun, 1) & (ABI_SNAPSHOTS - 1)];
	turn = s->turn;
	if (turn & 1 || __sync_val_compare_and_swap(&s->turn, turn, turn + 1) != turn)
		return 0;
	write_down(s, rec, task, stamp, pages);
	barrier();
	s->turn = turn + 2;
	return 0;
}
