// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Calls that make memory executable, from linux 6.14 on: seen at the lock of the process's memory.
 * A call begins when it is about to take that lock, for nothing can be mapped before; and it ends
 * as it gives it back, which is told while it still has it, so that nobody can change a mapping
 * meanwhile. It is what is mapped that goes on record, whatever was asked for, by a call of
 * whatever kind: each executable mapping that was written to since the lock was taken, which the
 * kernel marks for its own purposes. The process cannot end before that.
 *
 * No system call needs to be traced for it: each call of each process would pay for that.
 */
#include "in_place.h"
#include "mapping.h"
#include "vma_tree.h"

/* Where a call may make memory executable, as its registers have it. */
enum where {
	NOWHERE,
	EVERYWHERE, /* is not told */
	THERE,	    /* from `address`, `length` bytes */
	SOMEWHERE,  /* in one place, and `address`, unless 0, is a wish */
};

struct call {
	enum where where;
	__u64 address, length;
	__s32 fd; /* of what; -1: is not told */
};

static __always_inline void call_of_mmap(struct call *c, __u64 flags, __s32 fd)
{
	c->where = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) ? THERE : SOMEWHERE;
	c->fd = fd;
}

static __always_inline void call_read_64(struct call *c, const struct task_struct *task,
					 const struct pt_regs *regs)
{
	if (!makes_executable(task, regs))
		return;
	c->address = regs->di;
	c->length = regs->si;
	if (regs->orig_ax == CALL_MMAP)
		call_of_mmap(c, regs->r10, regs->r8);
	else
		c->where = regs->orig_ax == CALL_SHMAT ? EVERYWHERE : THERE;
}

static __always_inline void call_read_32(struct call *c, const struct task_struct *task,
					 const struct pt_regs *regs)
{
	bool executable = (regs->dx & PROT_EXEC) || (task->personality & READ_IMPLIES_EXEC);

	c->address = (__u32)regs->bx;
	c->length = (__u32)regs->cx;
	switch (regs->orig_ax) {
	case CALL_32_MMAP: /* what it asks for is in memory */
	case CALL_32_IPC:
	case CALL_32_SHMAT:
		c->where = EVERYWHERE;
		return;
	case CALL_32_MMAP2:
		if (executable)
			call_of_mmap(c, regs->si, regs->di);
		return;
	case CALL_32_MPROTECT:
	case CALL_32_PKEY_MPROTECT:
		if (executable)
			c->where = THERE;
	}
}

/*
 * The current thread's call, if that is about its own memory `mm`. A page fault takes the lock as
 * well, while registers are those of a call that is done: but not while it has no result yet.
 */
static __always_inline struct call call_read(const struct mm_struct *mm)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct pt_regs *regs = registers_of(task);
	struct call c = {.where = NOWHERE, .fd = -1};

	if (regs->ax != (unsigned long)-ENOSYS || task->mm != mm || (task->flags & PF_KTHREAD))
		return c;
	if (in_call_of_32_bits(task))
		call_read_32(&c, task, regs);
	else
		call_read_64(&c, task, regs);
	return c;
}

SEC("tp_btf/mmap_lock_start_locking")
int BPF_PROG(lock_wanted, struct mm_struct *mm, bool write)
{
	struct proc_rec *rec;

	if (!write || call_read(mm).where == NOWHERE)
		return 0;
	rec = current_proc();
	if (rec)
		mapping_begin(rec);
	return 0;
}

/* --- What was made --- */

/*
 * These are functions that are not static: the verifier looks at each of them once, whatever calls
 * it, and a daemon starts the sooner.
 */
__noinline int made(struct proc_rec *rec, __u64 vma, __s32 fd);
__noinline int made_between(struct proc_rec *rec, __u64 start, __u64 end, __u64 how);

int slot_of(const struct tree_node *node, __u32 n, __u64 address)
{
	__u32 slot;

	if (!node)
		return 0;
	for (slot = 0; slot < TREE_PIVOTS; slot++)
		if (slot >= n || address <= node->word[slot] || (slot && !node->word[slot]))
			break;
	return slot;
}

/* Puts a mapping on record. */
int made(struct proc_rec *rec, __u64 vma, __s32 fd)
{
	struct made m = {.locked = true};

	if (!rec)
		return 0;
	mapping_view(&m.view, vma);
	if (m.view.flags & VMA_ANONYMOUS)
		m.marks = PROC_ANON_EXEC;
	if (made_record(rec, &m) && fd >= 0)
		hint_mapped(&m.view.object, m.view.file, fd);
	return 0;
}

/* On the way through the mappings from `at` to `end`. */
struct search {
	struct proc_rec *rec;
	const struct mm_struct *mm;
	struct descent way;
	__u64 at, end;
	__u32 sequence; /* of what was written since the lock was taken */
	__s32 fd;
	bool one; /* is all that there can be */
	bool found;
};

static long search_slot(__u32 i, struct search *s)
{
	__u32 slot = s->way.slot + i;
	__u64 vma, last;

	if (s->at >= s->end || slot >= TREE_SLOTS || (s->found && s->one))
		return 1;
	vma = leaf_slot(&s->way, slot);
	last = leaf_slot_last(&s->way, slot);
	if (vma && mapping_is_made(vma, s->sequence)) {
		made(s->rec, vma, s->fd);
		s->found = true;
	}
	s->at = last + 1;
	return last >= s->way.max;
}

static long search_leaf(__u32 i, struct search *s)
{
	if (s->at >= s->end || (s->found && s->one))
		return 1;
	if (!find_leaf(&s->way, s->mm, s->at)) { /* of who runs there is one */
		proc_mark(s->rec, PROC_OBJECTS_PARTIAL);
		return 1;
	}
	bpf_loop(TREE_SLOTS, search_slot, s, 0);
	return !s->at; /* it was the last */
}

/* In `how`, which has the descriptor in its lower half: one mapping is all that there can be. */
#define ONE 0x100000000ull

/* Of the current process. Returns whether there was something. */
int made_between(struct proc_rec *rec, __u64 start, __u64 end, __u64 how)
{
	struct search s = {.at = start, .end = end, .fd = (__s32)how, .one = how & ONE};
	__u32 zero = 0;

	s.mm = bpf_get_current_task_btf()->mm;
	if (!rec || !s.mm)
		return 0;
	s.rec = rec;
	s.sequence = s.mm->mm_lock_seq.sequence;
	s.way.node = bpf_map_lookup_elem(&tree_nodes, &zero);
	if (!s.way.node || bpf_loop(TREE_LEAVES_MAX, search_leaf, &s, 0) == TREE_LEAVES_MAX)
		proc_mark(rec, PROC_OBJECTS_PARTIAL);
	return s.found;
}

/* The kernel maps from the top down: what is new is most likely the first above the heap. */
static __always_inline void made_by(struct proc_rec *rec, const struct mm_struct *mm,
				    const struct call *c)
{
	__u64 how = (__u32)c->fd | (c->where == SOMEWHERE ? ONE : 0), heap = mm->brk;

	if ((c->where == THERE || c->address) &&
	    (made_between(rec, c->address, c->address + c->length, how) || c->where == THERE))
		return;
	if (!made_between(rec, heap, ~0ull, how) || c->where == EVERYWHERE)
		made_between(rec, 0, heap, how);
}

SEC("tp_btf/mmap_lock_released")
int BPF_PROG(lock_released, struct mm_struct *mm, bool write)
{
	struct proc_rec *rec;
	struct call c;

	if (!write)
		return 0;
	c = call_read(mm);
	rec = c.where == NOWHERE ? NULL : current_proc();
	if (!rec)
		return 0;
	made_by(rec, mm, &c);
	if (caller_is(rec, bpf_get_current_pid_tgid()))
		mapping_end(rec);
	return 0;
}
