// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Calls that make memory executable, before linux 6.14: seen as they are entered and as they are
 * done.
 *
 * What is on record is what is mapped, not what was asked for: threads, or whoever else uses the
 * same memory or descriptors, can put another file at the descriptor or the address while the call
 * is under way. So the mapping itself is looked at when it is there. What it was can be undone
 * before that only by another call that makes memory executable, or that moves it: where one meets
 * another, the record is not complete. Calls of 32 bits are not seen.
 */
#include "mapping.h"

/* Whether somebody else may change its descriptors or mappings while it is in a call. */
static __always_inline bool has_company(const struct proc_rec *rec)
{
	return rec->flags & (PROC_COMPANY | PROC_URING);
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
	if (!rec)
		return;
	if (mapping_begin(rec) && __sync_fetch_and_add(&rec->unseen, 1))
		proc_mark(rec, PROC_OBJECTS_PARTIAL);
}

static __always_inline int call_enter(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	call_begin(task, registers_of(task));
	return 0;
}

/* By what is to be mapped, unless only the mapping would tell. */
static __always_inline void made_of_file(struct made *m, const struct file *file, bool writable)
{
	if (is_layered(file))
		return;
	object_key_read(&m->view.object, file, false);
	m->view.flags = VMA_OBJECT;
	m->marks = writable ? PROC_ANON_EXEC : 0;
}

/* By what is there. That it is not executable proves nothing of who has company. */
static __always_inline void made_at(struct made *m, const struct proc_rec *rec, __u64 address)
{
	if (!view_at(address, &m->view) || (!m->view.executable && has_company(rec)))
		m->marks |= PROC_OBJECTS_PARTIAL;
	if (!m->view.executable)
		m->view.flags = 0;
	if (m->view.flags & VMA_ANONYMOUS)
		m->marks |= PROC_ANON_EXEC;
}

static __always_inline void made_by_mmap(struct proc_rec *rec, const struct pt_regs *regs,
					 long address)
{
	bool private = (regs->r10 & MAP_TYPE) == MAP_PRIVATE;
	struct made m = {};
	const struct file *file;

	if (address < 0)
		return;
	if (regs->r10 & MAP_ANONYMOUS) /* shared memory is a file, of which no digest is known */
		m.marks = private ? PROC_ANON_EXEC : PROC_OBJECTS_PARTIAL;
	else
		made_at(&m, rec, address);
	/* Its mappings are being changed: what lies at the descriptor is most likely it. */
	if (!m.view.end && !(regs->r10 & MAP_ANONYMOUS)) {
		file = current_file(regs->r8);
		if (file)
			made_of_file(&m, file, private && (regs->dx & PROT_WRITE));
		m.marks |= PROC_OBJECTS_PARTIAL;
	}
	if (made_record(rec, &m))
		hint_mapped(&m.view.object, m.view.file, regs->r8);
}

struct range {
	struct proc_rec *rec;
	__u64 at, end;
};

static long made_next(__u32 i, struct range *r)
{
	struct made m = {};

	if (r->at >= r->end)
		return 1;
	made_at(&m, r->rec, r->at);
	made_record(r->rec, &m);
	r->at = m.view.end;
	return !r->at;
}

/* One that fails has changed what there is before the first gap. */
static __always_inline void made_by_mprotect(struct proc_rec *rec, const struct pt_regs *regs)
{
	struct range r = {.rec = rec, .at = regs->di, .end = regs->di + regs->si};

	if (bpf_loop(RANGE_MAX, made_next, &r, 0) == RANGE_MAX && r.at < r.end)
		proc_mark(rec, PROC_OBJECTS_PARTIAL);
}

static __always_inline int call_exit(long result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct pt_regs *regs = registers_of(task);
	struct proc_rec *rec;

	rec = makes_executable(task, regs) ? current_proc() : NULL;
	if (!rec || !caller_is(rec, bpf_get_current_pid_tgid()))
		return 0;
	if (regs->orig_ax == CALL_MMAP)
		made_by_mmap(rec, regs, result);
	else if (regs->orig_ax == CALL_SHMAT)
		proc_mark(rec, PROC_OBJECTS_PARTIAL);
	else
		made_by_mprotect(rec, regs);
	__sync_fetch_and_add(&rec->unseen, -1);
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
