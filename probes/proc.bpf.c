// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Processes: birth, exec, death, and the reading of those that there are. */
#include "pidfd.h"
#include "proc.h"
#include "start.h"

#define FORK_NS 1000000000ull /* after its start every process has been told of, by far */

/* All zero: the start of a record, too large for the stack. */
static struct proc_rec blank;

static __always_inline bool object_is(const struct object_key *a, const struct object_key *b)
{
	return a->ino == b->ino && a->ctime_ns == b->ctime_ns && a->size == b->size &&
	       a->dev == b->dev && a->flags == b->flags;
}

struct object_search {
	const struct proc_rec *rec;
	const struct object_key *key;
	bool found;
};

static long object_search_one(__u32 i, struct object_search *s)
{
	s->found = object_is(&s->rec->obj[i & (ABI_OBJECTS - 1)], s->key);
	return s->found;
}

/* Of a record that has no room left. */
static __always_inline bool object_is_known(const struct proc_rec *rec,
					    const struct object_key *key)
{
	struct object_search s = {.rec = rec, .key = key};

	bpf_loop(ABI_OBJECTS, object_search_one, &s, 0);
	return s.found;
}

int object_add(struct proc_rec *rec, const struct object_key *key, __u32 alone)
{
	__u32 n;

	if (!rec || !key)
		return 0;
	n = rec->n_objects;
	if (n && alone && object_is(&rec->obj[(n - 1) & (ABI_OBJECTS - 1)], key))
		return 0;
	if (n >= ABI_OBJECTS && object_is_known(rec, key))
		return 0;
	n = __sync_fetch_and_add(&rec->n_objects, 1);
	if (n < ABI_OBJECTS)
		rec->obj[n & (ABI_OBJECTS - 1)] = *key;
	else
		proc_mark(rec, PROC_OBJECTS_PARTIAL);
	return 1;
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

/*
 * What a fork makes of both, by what they share; enum proc_flags. Who uses another's memory maps
 * for both, which is put on record by who is whose parent: see sharer_of().
 */
static __always_inline __u32 flags_by_sharing(struct task_struct *parent, struct task_struct *child)
{
	__u32 flags = 0;

	if (BPF_CORE_READ(child, files) == BPF_CORE_READ(parent, files))
		flags |= PROC_FILES_SHARED | PROC_COMPANY;
	if (BPF_CORE_READ(child, mm) != BPF_CORE_READ(parent, mm))
		return flags;
	if (BPF_CORE_READ(child, real_parent, tgid) != BPF_CORE_READ(parent, tgid))
		flags |= PROC_OBJECTS_PARTIAL; /* CLONE_PARENT */
	return flags | PROC_COMPANY;
}

/* Its first moment, from its parent's record (NULL: the parent has none). */
static __always_inline void proc_born(struct proc_rec *rec, const struct proc_rec *from,
				      struct task_struct *child, __u32 sharing)
{
	rec->start_ns = child->start_boottime;
	rec->map_stamp = first_stamp();
	rec->spread_ns = bpf_ktime_get_boot_ns();
	rec->exit_ns = 0;
	rec->files = 0;
	rec->caller = rec->in_flight = rec->unseen = 0;
	rec->flags = from ? from->flags & (PROC_OBJECTS_PARTIAL | PROC_URING | PROC_COMPAT |
					   PROC_ANON_EXEC | PROC_TOLD)
			  : PROC_OBJECTS_PARTIAL;
	if (from && from->unseen) /* what that maps may be the child's, and is not on record */
		rec->flags |= PROC_OBJECTS_PARTIAL;
	rec->flags |= sharing;
	rec->last_child = 0;
	rec->elder = from ? from->last_child : 0;
	proc_refresh(rec, child);
}

/*
 * The youngest child shares with its parent what it shares. Who shared his memory before, as the
 * last child or as the parent's own parent, is not told any more what is mapped in it.
 */
static __always_inline void proc_share(struct proc_rec *rec, __u32 sharing)
{
	struct proc_rec *child = sharer_of(rec, rec->last_child);
	struct proc_rec *parent = sharing ? sharer_of(rec, rec->ppid) : NULL;

	if (child)
		proc_mark(child, PROC_OBJECTS_PARTIAL);
	if (parent)
		proc_mark(parent, PROC_OBJECTS_PARTIAL);
	proc_mark(rec, sharing);
}

static __always_inline int thread_born(__u32 tgid)
{
	struct proc_rec *rec = proc_of(tgid);

	if (rec && !(rec->flags & PROC_COMPANY))
		proc_mark(rec, PROC_COMPANY);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 tgid = child->tgid, ptgid = parent->tgid, zero = 0, sharing;
	struct proc_rec *from, *rec, *draft = bpf_map_lookup_elem(&drafts, &zero);

	if (child->pid != child->tgid)
		return thread_born(tgid);
	if (!draft)
		return 0;
	gen_move(ptgid);
	gen_move(tgid);
	rec = proc_of(tgid);
	/* Its number is taken again before its packets were judged; or a scan was quicker. */
	if (rec && rec->start_ns != child->start_boottime)
		bpf_map_update_elem(&ghosts, &rec->start_ns, rec, BPF_ANY);
	from = proc_of(ptgid);
	sharing = flags_by_sharing(parent, child);
	bpf_probe_read_kernel(draft, sizeof(*draft), from ? from : &blank);
	proc_born(draft, from, child, sharing);
	if (bpf_map_update_elem(&procs, &tgid, draft, BPF_ANY)) {
		count(PCOUNT_PROCS_FULL);
		return 0;
	}
	if (from) {
		from->spread_ns = draft->spread_ns;
		proc_share(from, sharing);
		from->last_child = tgid;
	}
	return 0;
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

/*
 * What the exec itself has mapped at an address: nobody else is there who could change it. Not
 * static: as object_add().
 */
__noinline int add_at(struct proc_rec *rec, __u64 address);

int add_at(struct proc_rec *rec, __u64 address)
{
	__u32 zero = 0;
	struct view *v = bpf_map_lookup_elem(&views, &zero);

	if (!rec || !v)
		return 0;
	__builtin_memset(v, 0, sizeof(*v));
	if (view_at(address, v) && v->flags & VMA_OBJECT)
		object_add(rec, &v->object, true);
	else
		proc_mark(rec, PROC_OBJECTS_PARTIAL);
	return 0;
}

/* What the kernel itself has mapped beside the program: its dynamic loader. */
static __always_inline void add_loader(struct proc_rec *rec, struct task_struct *task)
{
	struct auxv v = {.mm = BPF_CORE_READ(task, mm)};

	bpf_loop(AUXV_PAIRS, find_base, &v, 0);
	if (v.base)
		add_at(rec, v.base);
}

/*
 * The program that ends here, if packets of its sending may be judged later: by then the record is
 * of another. Called when the stamp has moved.
 */
static __always_inline void keep_former(const struct proc_rec *rec, __u64 last_stamp)
{
	__u32 zero = 0;
	struct proc_rec *draft = bpf_map_lookup_elem(&drafts, &zero);
	__u64 stamp = rec->map_stamp;

	if (!(rec->flags & PROC_NAMED) || !draft)
		return;
	bpf_probe_read_kernel(draft, sizeof(*draft), rec);
	draft->map_stamp = last_stamp;
	draft->exit_ns = bpf_ktime_get_boot_ns();
	if (bpf_map_update_elem(&former, &stamp, draft, BPF_ANY))
		count(PCOUNT_PROCS_FULL);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	__u32 tgid = task->tgid;
	struct proc_rec *rec = proc_of(tgid);
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
	object_key_of(&key, bprm->file);
	/* Until all is on record, as if it was mapping. */
	rec->in_flight = 1;
	keep_former(rec, __sync_lock_test_and_set(&rec->map_stamp, first_stamp()));
	rec->start_before = rec->last_start;
	rec->last_start = (struct start){.stamp = rec->map_stamp, .tgid = tgid};
	rec->exec_ns = bpf_ktime_get_boot_ns();
	rec->caller = rec->unseen = 0;
	/* exec gives the process a descriptor table of its own */
	__sync_fetch_and_and(&rec->flags, PROC_URING | PROC_PIDFD | PROC_NAMED);
	proc_mark(rec, compat_flag(task));
	if (task->pid != old_pid)
		rec->flags |= PROC_PIDFD; /* the thread that did it has another number now */
	rec->n_objects = 0;
	if (is_layered(bprm->file)) {
		add_at(rec, BPF_CORE_READ(task, mm, start_code));
		if (rec->n_objects)
			key = rec->obj[0];
		else
			object_add(rec, &blank.obj[0], true); /* the first is the program's */
	} else {
		object_add(rec, &key, true);
	}
	add_loader(rec, task);
	proc_refresh(rec, task);
	barrier();
	rec->in_flight = 0;
	hint_start(rec, task, bprm);
	hint_program(&key, bprm->file);
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

/* The daemon is to take its record away. Of threads that end at once, each may be the last. */
static __always_inline void list_exit(struct proc_rec *rec, __u32 tgid)
{
	struct exited e = {.start_ns = rec->start_ns, .exit_ns = rec->exit_ns, .tgid = tgid};
	__u32 zero = 0;
	struct global_rec *g;

	if (__sync_fetch_and_or(&rec->flags, PROC_EXITED) & PROC_EXITED)
		return;
	if (!bpf_map_push_elem(&exits, &e, 0))
		return;
	g = bpf_map_lookup_elem(&global, &zero);
	if (g)
		g->unlisted_ns = e.exit_ns;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
	__u32 tgid = task->tgid;
	struct proc_rec *rec = proc_of(tgid);

	if (rec && task_has_pidfd((__u64)bpf_get_current_task()))
		proc_mark(rec, PROC_PIDFD);
	if (BPF_CORE_READ(task, signal, live.counter))
		return 0; /* other threads live on */
	gen_move(tgid);
	if (!rec)
		return 0;
	rec->last = (__u64)task;
	rec->files = (__u64)BPF_CORE_READ(task, files);
	rec->exit_ns = bpf_ktime_get_boot_ns();
	list_exit(rec, tgid);
	return 0;
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

static __always_inline struct proc_rec *scan_draft(__u64 session)
{
	struct proc_rec *rec = bpf_map_lookup_elem(&scan_drafts, &session);

	if (rec)
		return rec;
	bpf_map_update_elem(&scan_drafts, &session, &blank, BPF_ANY);
	return bpf_map_lookup_elem(&scan_drafts, &session);
}

/*
 * Every process alive, for the start and for rescans: fills in what the map does not have.
 * process_fork may be at the same: its record is the better one, and is not to be touched. So one
 * is made ready apart. Where another had the number, which nobody has told of, that is long past.
 */
SEC("iter/task")
int scan_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct proc_rec *rec, *draft;
	__u32 tgid;
	long r;

	if (!task || task->pid != task->tgid || (task->flags & PF_KTHREAD))
		return 0;
	tgid = task->tgid;
	rec = proc_of(tgid);
	if (rec && (rec->start_ns == task->start_boottime ||
		    bpf_ktime_get_boot_ns() < task->start_boottime + FORK_NS))
		return 0;
	draft = scan_draft(ctx->meta->session_id);
	if (!draft)
		return 0;
	draft->start_ns = task->start_boottime;
	draft->exec_ns = exec_of_elder(task);
	draft->map_stamp = first_stamp();
	draft->flags = PROC_OBJECTS_PARTIAL | compat_flag(task);
	if (BPF_CORE_READ(task, files, count.counter) != BPF_CORE_READ(task, signal, nr_threads))
		draft->flags |= PROC_FILES_SHARED;
	proc_refresh(draft, task);
	if (rec)
		bpf_map_delete_elem(&procs, &tgid);
	r = bpf_map_update_elem(&procs, &tgid, draft, BPF_NOEXIST);
	if (r && r != -EEXIST)
		count(PCOUNT_PROCS_FULL);
	gen_move(tgid);
	return 0;
}

/* Whether an execve has given the process another memory, and has not been told of yet. */
static __always_inline bool is_ahead(const struct task_struct *task,
				     const struct vm_area_struct *vma)
{
	const struct proc_rec *rec = proc_of(task->tgid);

	return rec && rec->mm && rec->mm != (__u64)vma->vm_mm;
}

/* The executable mappings of the process that the iterator was narrowed to, and after the last one
 * a record that is all 0: who reads that needs not ask whether there are more. */
SEC("iter/task_vma")
int scan_mappings(struct bpf_iter__task_vma *ctx)
{
	struct vm_area_struct *vma = ctx->vma;
	struct task_struct *task = ctx->task;
	struct vma_rec rec = {};

	if (vma && (!task || !(vma->vm_flags & VM_EXEC)))
		return 0;
	if (vma) {
		mapping_tell(&rec, task, vma);
		if (is_ahead(task, vma))
			rec.flags |= VMA_AHEAD;
	}
	bpf_seq_write(ctx->meta->seq, &rec, sizeof(rec));
	return 0;
}
