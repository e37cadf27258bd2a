// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Calls that make memory executable. The process is stamped as one begins and as it ends, so that
 * between the two its mappings count as "changed, not yet known"; what is executable then goes on
 * record, for when the process is gone before the daemon has read its mappings.
 *
 * A call begins when it is about to take the lock of the process's memory (mmap_lock_start_locking,
 * linux 6.14), for nothing can be mapped before; on older kernels, as it is entered. That it is not
 * needed to trace the entry of any system call is worth it: each call of each process pays for
 * that.
 *
 * What is on record is what is mapped, not what was asked for: threads, or whoever else uses the
 * same memory or descriptors, can put another file at the descriptor or the address while the call
 * is under way. So the mapping itself is looked at when it is there. What it was can be undone
 * before that only by another call that makes memory executable, or that moves it: where one meets
 * another, the record is not complete.
 */
#include "proc.h"

/* What a call has made executable. */
struct made {
	struct view view;
	__u32 marks; /* enum proc_flags */
};

/* Of a call in this file. A process may have asked that all that is readable be executable
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

/* Whether somebody else may change its descriptors or mappings while it is in a call. */
static __always_inline bool has_company(const struct proc_rec *rec)
{
	return rec->flags & (PROC_COMPANY | PROC_URING);
}

/* --- A call begins --- */

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
	proc_mark(rec, PROC_OBJECTS_PARTIAL);
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

/* In flight first: who sees the stamp sees that it is not known yet what it stands for. */
static __always_inline void mapping_begin(struct proc_rec *rec)
{
	if (caller_add(rec, bpf_get_current_pid_tgid()))
		__sync_fetch_and_add(&rec->in_flight, 1);
	next_stamp(rec);
	gen_move(bpf_get_current_pid_tgid() >> 32);
}

/* Memory moves away from under a call that has not looked at it yet. */
static __always_inline void moving_begin(void)
{
	struct proc_rec *rec = current_proc();

	if (rec && rec->in_flight)
		proc_mark(rec, PROC_OBJECTS_PARTIAL);
}

static __always_inline void call_begin(struct task_struct *task, const struct pt_regs *regs)
{
	struct proc_rec *rec;

	if (regs->orig_ax == CALL_MREMAP)
		moving_begin();
	if (!makes_executable(task, regs))
		return;
	rec = current_proc();
	if (rec)
		mapping_begin(rec);
}

static __always_inline int call_enter(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	call_begin(task, registers_of(task));
	return 0;
}

/* --- A call ends --- */

/* By what is to be mapped, unless only the mapping would tell. */
static __always_inline void made_of_file(struct made *m, const struct file *file, bool writable)
{
	if (is_layered(file))
		return;
	object_key_read(&m->view.object, file, false);
	m->view.flags = VMA_OBJECT;
	m->marks = writable ? PROC_ANON_EXEC : 0;
}

/*
 * By what is there: one mapping, up to `end` at least; what more there is is not known. That none
 * is executable proves nothing of who has company.
 */
static __always_inline void made_at(struct made *m, const struct proc_rec *rec, __u64 start,
				    __u64 end)
{
	if (!view_at(start, &m->view) ||
	    (m->view.executable ? m->view.end < end : has_company(rec)))
		m->marks |= PROC_OBJECTS_PARTIAL;
	if (!m->view.executable)
		m->view.flags = 0;
	if (m->view.flags & VMA_ANONYMOUS)
		m->marks |= PROC_ANON_EXEC;
}

static __always_inline void made_by_mmap(struct made *m, const struct proc_rec *rec,
					 const struct pt_regs *regs, long address)
{
	bool private = (regs->r10 & MAP_TYPE) == MAP_PRIVATE;
	const struct file *file;

	if (address < 0)
		return;
	if (regs->r10 & MAP_ANONYMOUS) { /* shared memory is a file, of which no digest is known */
		m->marks = private ? PROC_ANON_EXEC : PROC_OBJECTS_PARTIAL;
		return;
	}
	made_at(m, rec, address, 0);
	if (m->view.end)
		return;
	/* Its mappings are being changed: what lies at the descriptor is most likely it. */
	file = current_file(regs->r8);
	if (file)
		made_of_file(m, file, private && (regs->dx & PROT_WRITE));
	m->marks |= PROC_OBJECTS_PARTIAL;
}

/* One that fails may have changed a part. */
static __always_inline void made_by_mprotect(struct made *m, const struct proc_rec *rec,
					     const struct pt_regs *regs)
{
	if (regs->si)
		made_at(m, rec, regs->di, regs->di + regs->si);
}

/* Returns whether there is an object that was not the last before. */
static __always_inline bool made_add(struct proc_rec *rec, const struct made *m)
{
	if (m->marks)
		proc_mark(rec, m->marks);
	return m->view.flags & VMA_OBJECT && object_add(rec, &m->view.object);
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

static __always_inline void mapping_end(struct proc_rec *rec)
{
	next_stamp(rec);
	gen_move(bpf_get_current_pid_tgid() >> 32);
	caller_drop(rec, bpf_get_current_pid_tgid());
	__sync_fetch_and_add(&rec->in_flight, -1);
}

static __always_inline int call_exit(long result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct pt_regs *regs = registers_of(task);
	struct made m = {};
	struct proc_rec *rec;

	rec = makes_executable(task, regs) ? current_proc() : NULL;
	if (!rec || !caller_is(rec, bpf_get_current_pid_tgid()))
		return 0;
	if (regs->orig_ax == CALL_MMAP)
		made_by_mmap(&m, rec, regs, result);
	else if (regs->orig_ax == CALL_SHMAT)
		m.marks = PROC_OBJECTS_PARTIAL;
	else
		made_by_mprotect(&m, rec, regs);
	if (made_record(rec, &m) && regs->orig_ax == CALL_MMAP)
		hint_mapped(&m.view.object, m.view.file, regs->r8);
	mapping_end(rec);
	return 0;
}

SEC("tp/syscalls/sys_exit_mmap")
int exit_mmap(struct trace_event_raw_sys_exit *ctx)
{
	return call_exit(ctx->ret);
}

SEC("tp/syscalls/sys_exit_mprotect")
int exit_mprotect(struct trace_event_raw_sys_exit *ctx)
{
	return call_exit(ctx->ret);
}

SEC("tp/syscalls/sys_exit_pkey_mprotect")
int exit_pkey_mprotect(struct trace_event_raw_sys_exit *ctx)
{
	return call_exit(ctx->ret);
}

SEC("tp/syscalls/sys_exit_shmat")
int exit_shmat(struct trace_event_raw_sys_exit *ctx)
{
	return call_exit(ctx->ret);
}

/* --- What begins it --- */

/*
 * A call of a program of 32 bits, or of the kind that these make: its end is not traced, so what is
 * asked for goes on record as it begins, and that the call is under way cannot be seen but by the
 * count of executable pages.
 */
static __always_inline void call_of_32_bits(struct task_struct *task, const struct pt_regs *regs)
{
	bool executable = (regs->dx & PROT_EXEC) || (task->personality & READ_IMPLIES_EXEC);
	bool private = (regs->si & MAP_TYPE) == MAP_PRIVATE;
	struct made m = {.marks = PROC_OBJECTS_PARTIAL};
	const struct file *file = NULL;
	struct proc_rec *rec;

	switch (regs->orig_ax) {
	case CALL_32_MMAP2:
		if (executable && !(regs->si & MAP_ANONYMOUS))
			file = current_file(regs->di);
		else if (private)
			m.marks = PROC_ANON_EXEC;
		break;
	case CALL_32_MPROTECT:
	case CALL_32_PKEY_MPROTECT:
		break;
	case CALL_32_MMAP: /* its arguments are in memory */
	case CALL_32_IPC:
	case CALL_32_SHMAT:
		executable = true;
		break;
	default:
		return;
	}
	rec = executable ? current_proc() : NULL;
	if (!rec)
		return;
	if (file && !has_company(rec))
		made_of_file(&m, file, private && (regs->dx & PROT_WRITE));
	if (made_record(rec, &m) && file)
		hint_mapped(&m.view.object, 0, regs->di);
	next_stamp(rec);
	gen_move(bpf_get_current_pid_tgid() >> 32);
}

/* Somebody is about to take the lock of a process's memory. A page fault may, too, while registers
 * are those of a call that is done: but not while it has no result yet. */
SEC("tp_btf/mmap_lock_start_locking")
int BPF_PROG(lock_wanted, struct mm_struct *mm, bool write)
{
	struct task_struct *task;
	const struct pt_regs *regs;

	if (!write)
		return 0;
	task = bpf_get_current_task_btf();
	regs = registers_of(task);
	if (task->mm != mm || (task->flags & PF_KTHREAD) || regs->ax != (unsigned long)-ENOSYS)
		return 0;
	if (in_call_of_32_bits(task))
		call_of_32_bits(task, regs);
	else
		call_begin(task, regs);
	return 0;
}

SEC("tp/syscalls/sys_enter_mmap")
int enter_mmap(void *ctx)
{
	return call_enter();
}

SEC("tp/syscalls/sys_enter_mprotect")
int enter_mprotect(void *ctx)
{
	return call_enter();
}

SEC("tp/syscalls/sys_enter_pkey_mprotect")
int enter_pkey_mprotect(void *ctx)
{
	return call_enter();
}

SEC("tp/syscalls/sys_enter_shmat")
int enter_shmat(void *ctx)
{
	return call_enter();
}

SEC("tp/syscalls/sys_enter_mremap")
int enter_mremap(void *ctx)
{
	return call_enter();
}
