// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Processes: birth, exec, death, and changes of their executable mappings. A mapping call stamps
 * the process when it enters and when it leaves, so that between the two its mappings count as
 * "changed, not yet known".
 */
#include "object.h"
#include "path.h"
#include "start.h"
#include "table.h"

#define HINT_AGAIN_NS 10000000000ull /* the daemon may have dropped the object since */

/* All zero: the start of a record, too large for the stack. */
static struct proc_rec blank;

static __always_inline struct proc_rec *proc_of(__u32 tgid)
{
	return bpf_map_lookup_elem(&procs, &tgid);
}

static __always_inline struct proc_rec *current_proc(void)
{
	return proc_of(bpf_get_current_pid_tgid() >> 32);
}

/*
 * Stamps: unique for each change of a process's mappings. A record starts at the time, in units
 * that are shorter than any change, so that no later record of the process has a stamp of this one.
 */
static __always_inline __u64 first_stamp(void)
{
	return bpf_ktime_get_ns() << 8;
}

static __always_inline void next_stamp(struct proc_rec *rec)
{
	__sync_fetch_and_add(&rec->map_stamp, 1);
}

static __always_inline __u32 compat_flag(struct task_struct *task)
{
	return BPF_CORE_READ(task, thread_info.flags) & 1ul << TIF_ADDR32 ? PROC_COMPAT : 0;
}

/* With its task it is there for others: that comes last. */
static __always_inline void proc_refresh(struct proc_rec *rec, struct task_struct *task)
{
	rec->mm = (__u64)BPF_CORE_READ(task, mm);
	rec->ppid = BPF_CORE_READ(task, real_parent, tgid);
	barrier();
	rec->task = (__u64)task;
}

/* Its first moment, from its parent's record (NULL: the parent has none). */
static __always_inline void proc_born(struct proc_rec *rec, const struct proc_rec *from,
				      struct task_struct *parent, struct task_struct *child)
{
	rec->start_ns = child->start_boottime;
	rec->map_stamp = first_stamp();
	rec->spread_ns = bpf_ktime_get_boot_ns();
	rec->exit_ns = 0;
	rec->files = 0;
	rec->in_flight = 0;
	rec->flags = from ? from->flags & (PROC_OBJECTS_PARTIAL | PROC_URING | PROC_COMPAT |
					   PROC_LAYERED | PROC_ANON_EXEC | PROC_TOLD)
			  : PROC_OBJECTS_PARTIAL;
	if (BPF_CORE_READ(child, files) == BPF_CORE_READ(parent, files))
		rec->flags |= PROC_FILES_SHARED;
	rec->last_child = 0;
	rec->elder = from ? from->last_child : 0;
	proc_refresh(rec, child);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 tgid = child->tgid, ptgid = parent->tgid, zero = 0;
	struct proc_rec *from, *rec, *draft = bpf_map_lookup_elem(&drafts, &zero);

	if (child->pid != child->tgid || !draft)
		return 0; /* a thread */
	gen_move(ptgid);
	gen_move(tgid);
	rec = proc_of(tgid);
	if (rec) /* its number is taken again before its packets were judged */
		bpf_map_update_elem(&ghosts, &rec->start_ns, rec, BPF_ANY);
	from = proc_of(ptgid);
	bpf_probe_read_kernel(draft, sizeof(*draft), from ? from : &blank);
	proc_born(draft, from, parent, child);
	if (bpf_map_update_elem(&procs, &tgid, draft, BPF_ANY)) {
		count(PCOUNT_PROCS_FULL);
		return 0;
	}
	if (from) {
		from->spread_ns = draft->spread_ns;
		proc_mark(from, draft->flags & PROC_FILES_SHARED);
		from->last_child = tgid;
	}
	return 0;
}

static __always_inline void object_add(struct proc_rec *rec, const struct object_key *key)
{
	__u32 n = rec->n_objects;

	if (n >= ABI_OBJECTS) {
		proc_mark(rec, PROC_OBJECTS_PARTIAL);
		return;
	}
	rec->obj[n & (ABI_OBJECTS - 1)] = *key;
	rec->n_objects = n + 1;
}

static __always_inline void hint(__u32 kind, const struct object_key *key, const struct file *file)
{
	struct hint *h = bpf_ringbuf_reserve(&hints, sizeof(*h), 0);
	struct task_struct *task = (void *)bpf_get_current_task();

	if (!h) {
		count(PCOUNT_HINTS_LOST);
		return;
	}
	h->kind = kind;
	h->tgid = bpf_get_current_pid_tgid() >> 32;
	h->netns = BPF_CORE_READ(task, nsproxy, net_ns, ns.inum);
	h->object = *key;
	h->n_names = names_of(file, h->names);
	bpf_ringbuf_submit(h, 0);
}

/* Every program maps the same few libraries: one hint in a while will do. */
static __always_inline void hint_mapped(const struct object_key *key, const struct file *file)
{
	__u64 now = bpf_ktime_get_boot_ns(), *last = bpf_map_lookup_elem(&hinted, key);

	if (last && now - *last < HINT_AGAIN_NS)
		return;
	bpf_map_update_elem(&hinted, key, &now, BPF_ANY);
	hint(HINT_MAP, key, file);
}

static long add_mapped(struct task_struct *task, struct vm_area_struct *vma, struct proc_rec **rec)
{
	const struct file *file = vma->vm_file;
	struct object_key key;
	struct behind b;

	if (!file)
		return 0;
	b = behind(file);
	object_key_of(&key, &b);
	object_add(*rec, &key);
	return 0;
}

/* What is mapped at an address. */
static __always_inline void add_at(struct proc_rec *rec, struct task_struct *task, __u64 address)
{
	if (bpf_find_vma(task, address, add_mapped, &rec, 0))
		proc_mark(rec, PROC_OBJECTS_PARTIAL);
}

struct auxv {
	const struct mm_struct *mm;
	unsigned long base;
};

static long find_base(__u32 i, struct auxv *v)
{
	unsigned long pair[2] = {};

	bpf_probe_read_kernel(pair, sizeof(pair), &v->mm->saved_auxv[2 * i]);
	if (pair[0] == AT_BASE)
		v->base = pair[1];
	return !pair[0] || v->base;
}

/* What the kernel itself has mapped beside the program: its dynamic loader. */
static __always_inline void add_loader(struct proc_rec *rec, struct task_struct *task)
{
	struct auxv v = {.mm = BPF_CORE_READ(task, mm)};

	bpf_loop(AUXV_PAIRS, find_base, &v, 0);
	if (v.base)
		add_at(rec, task, v.base);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	__u32 tgid = task->tgid;
	struct proc_rec *rec = proc_of(tgid);
	struct behind program = behind(bprm->file);
	struct object_key key;

	gen_move(tgid);
	if (!rec) {
		if (bpf_map_update_elem(&procs, &tgid, &blank, BPF_ANY))
			count(PCOUNT_PROCS_FULL);
		rec = proc_of(tgid);
		if (!rec)
			return 0;
		rec->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	}
	object_key_of(&key, &program);
	rec->map_stamp = first_stamp();
	rec->start_before = rec->last_start;
	rec->last_start = (struct start){.stamp = rec->map_stamp, .tgid = tgid};
	rec->exec_ns = bpf_ktime_get_boot_ns();
	rec->in_flight = 0;
	rec->flags = (rec->flags & PROC_URING) |
		     compat_flag(task); /* exec gives the process a descriptor table of its own */
	rec->n_objects = 0;
	if (is_layered(&program)) {
		add_at(rec, task, BPF_CORE_READ(task, mm, start_code));
		if (rec->n_objects)
			key = rec->obj[0];
		else
			object_add(rec, &blank.obj[0]); /* the first is the program's */
	} else {
		object_add(rec, &key);
	}
	add_loader(rec, task);
	proc_refresh(rec, task);
	hint_start(rec, task, bprm);
	hint(HINT_EXEC, &key, bprm->file);
	return 0;
}

SEC("tp_btf/io_uring_create")
int BPF_PROG(uring_created)
{
	struct proc_rec *rec = current_proc();

	if (rec)
		proc_mark(rec, PROC_URING);
	gen_move(bpf_get_current_pid_tgid() >> 32);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
	__u32 tgid = task->tgid;
	struct proc_rec *rec;

	if (BPF_CORE_READ(task, signal, live.counter))
		return 0; /* other threads live on */
	rec = proc_of(tgid);
	gen_move(tgid);
	if (!rec)
		return 0;
	rec->last = (__u64)task;
	rec->files = (__u64)BPF_CORE_READ(task, files);
	proc_mark(rec, PROC_EXITED);
	rec->exit_ns = bpf_ktime_get_boot_ns();
	return 0;
}

/* A process may have asked that all that is readable be executable (personality(2)). */
static __always_inline bool makes_executable(unsigned long prot)
{
	return (prot & PROT_EXEC) || (bpf_get_current_task_btf()->personality & READ_IMPLIES_EXEC);
}

/* Of the current process. */
static __always_inline void mapping_enter(struct proc_rec *rec)
{
	__sync_fetch_and_add(&rec->in_flight, 1);
	next_stamp(rec);
	gen_move(bpf_get_current_pid_tgid() >> 32);
}

static __always_inline void mapping_leave(struct proc_rec *rec)
{
	next_stamp(rec);
	gen_move(bpf_get_current_pid_tgid() >> 32);
	if (rec->in_flight) /* not one that was entered before the probes were there */
		__sync_fetch_and_add(&rec->in_flight, -1);
}

/* Enters a call that changes mappings: the process, if it makes any executable. */
static __always_inline struct proc_rec *entering_proc(unsigned long prot)
{
	struct proc_rec *rec = makes_executable(prot) ? current_proc() : NULL;

	if (rec)
		mapping_enter(rec);
	return rec;
}

SEC("tp/syscalls/sys_enter_mmap")
int enter_mmap(struct trace_event_raw_sys_enter *ctx)
{
	const struct file *file;
	struct proc_rec *rec;
	struct object_key key;
	unsigned long flags;
	struct behind b;

	rec = entering_proc(ctx->args[2]);
	if (!rec)
		return 0;
	flags = ctx->args[3];
	file = flags & MAP_ANONYMOUS || (int)ctx->args[4] < 0 ? NULL : current_file(ctx->args[4]);
	if ((flags & MAP_TYPE) == MAP_PRIVATE && (!file || ctx->args[2] & PROT_WRITE))
		proc_mark(rec, PROC_ANON_EXEC);
	else if (!file)
		proc_mark(rec,
			  PROC_OBJECTS_PARTIAL); /* shared memory is a file, once it is there */
	if (!file)
		return 0;
	b = behind(file);
	object_key_of(&key, &b);
	if (is_layered(&b))
		proc_mark(rec, PROC_LAYERED); /* what is mapped is known when it is: exit_mmap */
	else
		object_add(rec, &key);
	hint_mapped(&key, file);
	return 0;
}

/* The arguments of the call are still where they were when it was entered. */
static __always_inline struct pt_regs *call_registers(void)
{
	return (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
}

/* The third argument of the call that the current thread is in. */
static __always_inline unsigned long third_argument(void)
{
	return call_registers()->dx;
}

static __always_inline unsigned long shm_prot(unsigned long flags)
{
	return flags & SHM_EXEC ? PROT_EXEC : 0;
}

/* Part of it is made executable in place. */
struct change {
	struct proc_rec *rec;
	unsigned long end;
	bool writable;
};

static long add_protected(struct task_struct *task, struct vm_area_struct *vma, struct change *c)
{
	if (vma->vm_end < c->end)
		proc_mark(c->rec, PROC_OBJECTS_PARTIAL); /* only a scan can tell */
	if (is_anonymous(vma, c->writable))
		proc_mark(c->rec, PROC_ANON_EXEC);
	if (vma->vm_ops)
		add_mapped(task, vma, &c->rec);
	return 0;
}

static __always_inline int enter_protect(const struct trace_event_raw_sys_enter *ctx)
{
	unsigned long start = ctx->args[0], prot = ctx->args[2];
	struct change c = {.rec = entering_proc(prot),
			   .end = start + ctx->args[1],
			   .writable = prot & PROT_WRITE};

	if (c.rec && bpf_find_vma(bpf_get_current_task_btf(), start, add_protected, &c, 0))
		proc_mark(c.rec, PROC_OBJECTS_PARTIAL);
	return 0;
}

SEC("tp/syscalls/sys_enter_mprotect")
int enter_mprotect(struct trace_event_raw_sys_enter *ctx)
{
	return enter_protect(ctx);
}

SEC("tp/syscalls/sys_enter_pkey_mprotect")
int enter_pkey_mprotect(struct trace_event_raw_sys_enter *ctx)
{
	return enter_protect(ctx);
}

SEC("tp/syscalls/sys_enter_shmat")
int enter_shmat(struct trace_event_raw_sys_enter *ctx)
{
	struct proc_rec *rec = entering_proc(shm_prot(ctx->args[2]));

	if (rec)
		proc_mark(rec, PROC_OBJECTS_PARTIAL);
	return 0;
}

static __always_inline struct proc_rec *leaving_proc(unsigned long prot)
{
	return makes_executable(prot) ? current_proc() : NULL;
}

/* Whether the mapping that the current thread has made is of a file in an overlay. */
static __always_inline bool mapped_layered(const struct proc_rec *rec)
{
	const struct file *file;
	struct behind b;
	int fd;

	if (!(rec->flags & PROC_LAYERED))
		return false;
	fd = call_registers()->r8;
	file = fd >= 0 ? current_file(fd) : NULL;
	if (!file)
		return false;
	b = behind(file);
	return is_layered(&b);
}

SEC("tp/syscalls/sys_exit_mmap")
int exit_mmap(struct trace_event_raw_sys_exit *ctx)
{
	struct proc_rec *rec = leaving_proc(third_argument());

	if (!rec)
		return 0;
	if (ctx->ret > 0 && mapped_layered(rec))
		add_at(rec, bpf_get_current_task_btf(), ctx->ret);
	mapping_leave(rec);
	return 0;
}

static __always_inline int leave_protect(unsigned long prot)
{
	struct proc_rec *rec = leaving_proc(prot);

	if (rec)
		mapping_leave(rec);
	return 0;
}

SEC("tp/syscalls/sys_exit_mprotect")
int exit_mprotect(struct trace_event_raw_sys_exit *ctx)
{
	return leave_protect(third_argument());
}

SEC("tp/syscalls/sys_exit_pkey_mprotect")
int exit_pkey_mprotect(struct trace_event_raw_sys_exit *ctx)
{
	return leave_protect(third_argument());
}

SEC("tp/syscalls/sys_exit_shmat")
int exit_shmat(struct trace_event_raw_sys_exit *ctx)
{
	return leave_protect(shm_prot(third_argument()));
}

/*
 * When a process that is older than the probes was last given its program: no earlier than it
 * started if it has done an exec since it was forked, else with its parent if that has done none
 * since either. 0: cannot be told.
 */
static __always_inline __u64 exec_of_elder(const struct task_struct *task)
{
	const struct task_struct *parent = BPF_CORE_READ(task, real_parent);
	__u64 own = BPF_CORE_READ(task, self_exec_id);
	const struct proc_rec *rec;

	if (own != BPF_CORE_READ(task, parent_exec_id))
		return BPF_CORE_READ(task, start_boottime);
	if (own != BPF_CORE_READ(parent, self_exec_id))
		return 0;
	rec = proc_of(BPF_CORE_READ(parent, tgid));
	return rec && !rec->last_start.stamp ? rec->exec_ns : 0;
}

/* Every process alive, for the start and for rescans: fills in what the map does not have. */
SEC("iter/task")
int scan_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct proc_rec *rec;
	__u32 tgid;
	long r;

	if (!task || task->pid != task->tgid || (task->flags & PF_KTHREAD))
		return 0;
	tgid = task->tgid;
	rec = proc_of(tgid);
	if (rec && rec->start_ns == task->start_boottime)
		return 0;
	if (rec)
		bpf_map_delete_elem(&procs, &tgid);
	/* process_fork may be at the same: its record is the better one. */
	r = bpf_map_update_elem(&procs, &tgid, &blank, BPF_NOEXIST);
	rec = r ? NULL : proc_of(tgid);
	if (r && r != -EEXIST)
		count(PCOUNT_PROCS_FULL);
	if (!rec)
		return 0;
	gen_move(tgid);
	rec->start_ns = task->start_boottime;
	rec->exec_ns = exec_of_elder(task);
	rec->map_stamp = first_stamp();
	rec->flags = PROC_OBJECTS_PARTIAL | compat_flag(task);
	if (BPF_CORE_READ(task, files, count.counter) != BPF_CORE_READ(task, signal, nr_threads))
		rec->flags |= PROC_FILES_SHARED;
	proc_refresh(rec, task);
	return 0;
}

/* The executable mappings of the process that the iterator was narrowed to. */
SEC("iter/task_vma")
int scan_mappings(struct bpf_iter__task_vma *ctx)
{
	struct vm_area_struct *vma = ctx->vma;
	struct task_struct *task = ctx->task;
	struct vma_rec rec = {};

	if (!vma || !task || !(vma->vm_flags & VM_EXEC))
		return 0;
	mapping_tell(&rec, task, vma);
	bpf_seq_write(ctx->meta->seq, &rec, sizeof(rec));
	return 0;
}
