/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Calls that make memory executable, as they are put on record. The process is stamped as one
 * begins and as it ends, so that between the two its mappings count as "changed, not yet known";
 * what is executable then goes on record, for when the process is gone before the daemon has read
 * its mappings.
 *
 * How one is seen is for mapping_lock.bpf.c, or on kernels before linux 6.14 mapping_call.bpf.c.
 */
#ifndef PROBES_MAPPING_H
#define PROBES_MAPPING_H

#include "proc.h"

#define RANGE_MAX 256 /* mappings that one mprotect(2) is followed through */

/* What a call has made executable. */
struct made {
	struct view view;
	__u32 marks; /* enum proc_flags */
	bool locked; /* by who has the lock of the memory: nobody else adds to the records */
};

/* Of a call of 64 bits. A process may have asked that all that is readable be executable
 * (personality(2)). */
static __always_inline bool makes_executable(const struct task_struct *task,
					     const struct pt_regs *regs)
{
	switch (regs->orig_ax) {
	case CALL_MMAP:
	case CALL_MPROTECT:
	case CALL_PKEY_MPROTECT:
		return (regs->dx & PROT_EXEC) || (task->personality & READ_IMPLIES_EXEC);
	case CALL_SHMAT:
		return (regs->dx & SHM_EXEC) || (task->personality & READ_IMPLIES_EXEC);
	default:
		return false;
	}
}

/*
 * The first that begins has its thread's number in the record; those that begin while it is there
 * are in `callers`. If that is full, such a call never ends: the mappings are not known any more.
 * Returns whether it was not under way already: the end of the thread's last call may not have been
 * seen.
 */
static __always_inline bool caller_add(struct proc_rec *rec, __u32 thread)
{
	__u32 other = __sync_val_compare_and_swap(&rec->caller, 0, thread);
	__u8 one = 1;

	if (!other)
		return true;
	if (other == thread)
		return false;
	return bpf_map_update_elem(&callers, &thread, &one, BPF_NOEXIST) != -EEXIST;
}

/* Whether the thread's call had begun. */
static __always_inline bool caller_is(const struct proc_rec *rec, __u32 thread)
{
	return rec->caller == thread || bpf_map_lookup_elem(&callers, &thread);
}

static __always_inline void caller_drop(struct proc_rec *rec, __u32 thread)
{
	if (rec->caller == thread)
		rec->caller = 0;
	else
		bpf_map_delete_elem(&callers, &thread);
}

/*
 * In flight first: who sees the stamp sees that it is not known yet what it stands for. Returns
 * whether it was not under way already.
 */
static __always_inline bool mapping_begin(struct proc_rec *rec)
{
	bool began = caller_add(rec, bpf_get_current_pid_tgid());

	if (began)
		__sync_fetch_and_add(&rec->in_flight, 1);
	next_stamp(rec);
	gen_move(bpf_get_current_pid_tgid() >> 32);
	return began;
}

static __always_inline void mapping_end(struct proc_rec *rec)
{
	next_stamp(rec);
	gen_move(bpf_get_current_pid_tgid() >> 32);
	caller_drop(rec, bpf_get_current_pid_tgid());
	__sync_fetch_and_add(&rec->in_flight, -1);
}

/* Returns whether there is an object that was not there before. */
static __always_inline bool made_add(struct proc_rec *rec, const struct made *m)
{
	if (m->marks)
		proc_mark(rec, m->marks);
	return m->view.flags & VMA_OBJECT &&
	       object_add(rec, &m->view.object, m->locked || !(rec->flags & PROC_COMPANY));
}

/* What was made is in the memory of who shares it as well. */
static __always_inline void made_share(const struct proc_rec *rec, __u32 tgid, const struct made *m)
{
	struct proc_rec *other = sharer_of(rec, tgid);

	if (!other)
		return;
	made_add(other, m);
	next_stamp(other);
	gen_move(tgid);
}

/* Returns what made_add() does. */
static __always_inline bool made_record(struct proc_rec *rec, const struct made *m)
{
	made_share(rec, rec->ppid, m);
	made_share(rec, rec->last_child, m);
	return made_add(rec, m);
}

#endif
