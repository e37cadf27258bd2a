// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Looks for the holders of a socket that are not on record, where they are likely to be. */
#include "prove.h"
#include "waiter.h"

#define SCAN_MAX 8192 /* descriptors of one process that are searched in place */
#define KIN_MAX	 16   /* children of one process that are looked at */
#define NEAR	 1024 /* descriptors each way of the place where the last was given out, and */
#define FAR	 4096 /* once more for each socket */

/* Where holders that are not on record may be. */
struct seeking {
	struct roster r;
	__u64 cookie;
};

struct searching {
	struct seeking *s;
	struct files_struct *files;
	struct file **array;
};

static long search_one(__u32 fd, struct searching *c)
{
	struct file *found = NULL;

	if (bpf_probe_read_kernel(&found, sizeof(found), c->array + fd))
		return 1;
	if (found == c->s->r.file)
		roster_add(c->s->r.rec, c->s->cookie, (__u64)c->files,
			   bpf_get_current_pid_tgid() >> 32, fd);
	return 0;
}

/* Searches the current process's descriptors for the file: whoever sends usually holds it. */
static __always_inline void scan_current(struct seeking *s)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct files_struct *files = BPF_CORE_READ(task, files);
	struct searching c = {.s = s, .files = files};
	struct fdtable *fdt;
	__u32 max;

	if (!files)
		return;
	fdt = BPF_CORE_READ(files, fdt);
	c.array = BPF_CORE_READ(fdt, fd);
	max = BPF_CORE_READ(fdt, max_fds);
	bpf_loop(max < SCAN_MAX ? max : SCAN_MAX, search_one, &c, 0);
}

/* Where the kin of a holder may have the file: a fork leaves it at the same number. */
struct visiting {
	struct seeking *s;
	__u32 fd;
	__u32 next; /* tgid */
};

/*
 * Who ends has his until it is closed, which takes its time: he may have others to close before.
 * What he has closed already is in it as it was (fs/file.c, close_files()), and may be another's
 * file by now. But he gets no more: who was at his end as the holders were last all known is one of
 * those, or none. A table that others use as well gets what they open.
 */
static __always_inline __u64 table_of(const struct proc_rec *proc, __u32 tgid, __u64 proven_ns)
{
	const struct task_struct *leader = (const void *)proc->task;

	if (!(proc->flags & PROC_EXITED))
		return (__u64)BPF_CORE_READ(leader, files);
	if (proc->exit_ns < proven_ns && !(proc->flags & PROC_FILES_SHARED))
		return 0;
	return is_leaving(proc, tgid) ? proc->files : 0;
}

static __always_inline struct proc_rec *visit(struct visiting *v, __u32 tgid)
{
	struct proc_rec *proc = bpf_map_lookup_elem(&procs, &tgid);
	__u64 files;

	if (!proc)
		return NULL;
	files = table_of(proc, tgid, v->s->r.rec->proven_ns);
	if (files && table_has(files, v->fd, v->s->r.file))
		roster_add(v->s->r.rec, v->s->cookie, files, tgid, v->fd);
	return proc;
}

static long visit_child(__u32 i, struct visiting *v)
{
	struct proc_rec *proc = v->next ? visit(v, v->next) : NULL;

	if (!proc)
		return 1;
	v->next = proc->elder;
	return 0;
}

/* The children, the parent, and the parent's other children of who is on record. */
static long search_kin(__u32 i, struct seeking *c)
{
	const struct sighting *s = roster_at(&c->r, i);
	struct visiting v = {.s = c};
	struct proc_rec *proc;
	__u32 tgid;

	if (!s || !s->files)
		return 0;
	tgid = s->tgid;
	v.fd = s->fd;
	proc = bpf_map_lookup_elem(&procs, &tgid);
	if (!proc)
		return 0;
	v.next = proc->last_child;
	bpf_loop(KIN_MAX, visit_child, &v, 0);
	/* Called as one of a loop, it has its stack to itself: linux 6.1 would add both up. */
	tgid = v.next = proc->ppid;
	bpf_loop(1, visit_child, &v, 0);
	proc = bpf_map_lookup_elem(&procs, &tgid);
	if (!proc)
		return 0;
	v.next = proc->last_child;
	bpf_loop(KIN_MAX, visit_child, &v, 0);
	return 0;
}

/* Looks for holders that are not on record: the current process, and the kin of those who are. */
int seek(struct sock_rec *rec, __u64 cookie, __u64 file)
{
	struct seeking s = {.cookie = cookie};

	if (!rec)
		return 0;
	roster_open(&s.r, cookie, rec, (const struct file *)file);
	scan_current(&s);
	bpf_loop(rec->used < ABI_SIGHTINGS ? rec->used : ABI_SIGHTINGS, search_kin, &s, 0);
	return 0;
}

/* Not inlined: what it needs of the stack, the search needs after it. */
static __noinline struct listeners *listeners_of(const struct sock *sk)
{
	struct port port = {.netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, net_cookie)};

	port.number = BPF_CORE_READ(sk, __sk_common.skc_num);
	return bpf_map_lookup_elem(&ports, &port);
}

/* Who accepts a connection: those who hold a listener at its port. */
struct accepting {
	struct sock_rec *rec;
	__u64 cookie;
	__u64 file;
	struct listeners *at; /* the port */
	const struct sock_rec *listener;
	__u32 reach; /* in each table: see table_find(); 0: the current process has it */
	__u32 found;
};

/* The record of a listener that there is. */
static __always_inline const struct sock_rec *listener_of(__u64 cookie)
{
	const struct sock_rec *rec = sock_record_kept(cookie);

	return rec && !is_gone_quick(rec, cookie) ? rec : NULL;
}

/*
 * Whether a process lives, and has its descriptors in that table. Not static: the verifier looks at
 * it once, and not on each path on which it is called.
 */
__noinline int lives_by_table(const struct proc_rec *proc, __u32 tgid, __u64 files);

__noinline int lives_by_table(const struct proc_rec *proc, __u32 tgid, __u64 files)
{
	return proc && !(proc->flags & PROC_EXITED) && uses_table(proc, tgid, files);
}

/* One of those who hold one of the listeners. */
static long look_at_acceptor(__u32 i, struct accepting *c)
{
	const struct sighting *s;
	struct proc_rec *proc;
	__u32 tgid;
	__s32 fd;

	if (!(i % ABI_SIGHTINGS))
		c->listener = listener_of(c->at->cookie[i / ABI_SIGHTINGS & (ABI_LISTENERS - 1)]);
	if (!c->listener)
		return 0;
	s = &c->listener->s[i % ABI_SIGHTINGS];
	tgid = s->tgid;
	if (!s->files)
		return 0;
	if (!c->reach) {
		c->found = tgid == bpf_get_current_pid_tgid() >> 32;
		return c->found;
	}
	proc = bpf_map_lookup_elem(&procs, &tgid);
	if (!lives_by_table(proc, tgid, s->files))
		return 0;
	fd = table_find(s->files, c->file, c->reach);
	c->reach -= c->reach / 8; /* so that all of it has a bound, with many of them */
	c->found = fd >= 0 && roster_add(c->rec, c->cookie, s->files, tgid, fd);
	return c->found;
}

static __always_inline void look_at_acceptors(struct accepting *c)
{
	c->at = listeners_of((const struct sock *)c->rec->sk);
	if (c->at)
		bpf_loop(ABI_LISTENERS * ABI_SIGHTINGS, look_at_acceptor, c, 0);
}

/* At the descriptor that the current thread's call is about, whatever it does there. */
static __always_inline bool is_in_call(const struct accepting *c)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return in_call_with((__u64)c->file) &&
	       roster_add(c->rec, c->cookie, (__u64)BPF_CORE_READ(task, files),
			  bpf_get_current_pid_tgid() >> 32, registers_of(task)->di);
}

/*
 * Where the first holder of a connection that was accepted is likely to be; of another socket he is
 * on record. Who may accept it and has it now, has accepted it.
 */
int seek_acceptor(struct sock_rec *rec, __u64 cookie, __u64 file)
{
	struct accepting c = {.rec = rec, .cookie = cookie, .file = file};

	if (!rec)
		return 0;
	c.reach = is_in_call(&c) ? 0 : NEAR;
	look_at_acceptors(&c);
	if (!c.found && c.reach && !(rec->flags & SOCK_SOUGHT)) {
		rec->flags |= SOCK_SOUGHT;
		c.reach = FAR;
		look_at_acceptors(&c);
	}
	if (c.found)
		rec->accepted_ns = bpf_ktime_get_boot_ns();
	return 0;
}

/*
 * The last descriptor of a connection goes that nobody was seen to hold: no packet has passed since
 * it was accepted. Its parting words are of who closes it, if he may have accepted it.
 */
int seek_closer(struct sock_rec *rec, __u64 cookie)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct pt_regs *regs = registers_of(task);
	struct accepting c = {.rec = rec, .cookie = cookie};
	__u32 fd = regs->di;

	if (!rec || (!in_close_of(fd) && !(task->flags & PF_EXITING)))
		return 0;
	look_at_acceptors(&c);
	if (c.found && roster_add(rec, cookie, (__u64)BPF_CORE_READ(task, files),
				  bpf_get_current_pid_tgid() >> 32, fd))
		rec->accepted_ns = bpf_ktime_get_boot_ns();
	return 0;
}
