/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Proof of who holds a socket, from the kernel's own structures, at this very moment.
 *
 * A socket has one struct file, and the file counts its references. A sighting is a descriptor at
 * which the file was once seen; it holds if the descriptor table has the file there now. When the
 * sightings that hold are as many as the references, they are all the holders there are: every
 * dup, close, fork, exec, SCM_RIGHTS, pidfd_getfd or io_uring call of the past is in that sum, and
 * none of them needs to be traced.
 *
 * References that are not descriptors (a thread asleep in poll(2), another inside a call on the
 * socket, an io_uring registration) leave the sum short. Then the sightings are still all there is
 * if none of them is lost, none of the holders may have given a descriptor away since they were
 * last proven, and nobody took one (pidfd_getfd).
 */
#ifndef PROBES_PROVE_H
#define PROBES_PROVE_H

#include "maps.h"

#define SCAN_MAX 8192 /* descriptors of the current process that are searched in place */
#define KIN_MAX	 16   /* children of one process that are looked at */

/* All zero: the start of a record, too large for the stack. */
static struct sock_rec blank_sock;

/* The record of a socket, made where there is none; NULL when the map will not take it. */
static __always_inline struct sock_rec *sock_record(__u64 cookie)
{
	struct sock_rec *rec = bpf_map_lookup_elem(&socks, &cookie);

	if (rec)
		return rec;
	if (bpf_map_update_elem(&socks, &cookie, &blank_sock, BPF_NOEXIST))
		count(PCOUNT_SOCKS_FULL);
	return bpf_map_lookup_elem(&socks, &cookie);
}

/*
 * Whether a process is inside exit(2) right now: its descriptors are being closed one by one, and
 * which of them still count as references cannot be seen from outside.
 */
static __always_inline bool is_leaving(const struct proc_rec *proc, __u32 tgid)
{
	const struct task_struct *last = (const void *)proc->last;

	return (proc->flags & PROC_EXITED) && BPF_CORE_READ(last, tgid) == (int)tgid &&
	       (BPF_CORE_READ(last, flags) & PF_EXITING) && !BPF_CORE_READ(last, exit_state);
}

/* Whether task `tgid` has `file` at `fd` of the table `files`, now. */
static __always_inline bool sighting_holds(const struct sighting *s, const struct proc_rec *proc,
					   const struct file *file)
{
	const struct files_struct *files = (const void *)s->files;
	struct fdtable *fdt;
	struct file **array, *found = NULL;

	/* The address alone proves nothing: the table of a dead process may be another's by now. */
	if (!proc || proc->files != s->files || (proc->flags & PROC_EXITED))
		return false;
	fdt = BPF_CORE_READ(files, fdt);
	if (s->fd >= BPF_CORE_READ(fdt, max_fds))
		return false;
	array = BPF_CORE_READ(fdt, fd);
	bpf_probe_read_kernel(&found, sizeof(found), array + s->fd);
	return found == file;
}

static __always_inline void holder_fill(struct note_holder *h, __u32 tgid,
					const struct proc_rec *proc)
{
	const struct mm_struct *mm = (const void *)proc->mm;

	h->tgid = tgid;
	h->in_flight = proc->in_flight;
	h->start_ns = proc->start_ns;
	h->map_stamp = proc->map_stamp;
	h->exec_pages = 0;
	if (mm && !(proc->flags & PROC_EXITED))
		h->exec_pages = BPF_CORE_READ(mm, exec_vm);
}

/*
 * The loops over sightings are bpf_loop callbacks (linux 5.17), so that the verifier looks at each
 * body once instead of once per combination of outcomes.
 */
struct weighing {
	struct sock_rec *rec;
	const struct file *file;
	struct answer *a;
	__u32 only;    /* 0, or the one tgid that is wanted */
	__u32 sending; /* the current thread is in the call that sends the packet */
};

/* Adds a process to the list unless it is there. What is past the list's end has tgid 0. */
static __always_inline void holder_add(struct weighing *w, __u32 tgid, const struct proc_rec *proc)
{
	__u32 n = w->a->n_holders;

	for (__u32 i = 0; i < ABI_HOLDERS; i++)
		if (w->a->holder[i].tgid == tgid)
			return;
	if (n >= ABI_HOLDERS) {
		w->a->marks |= MARK_MANY;
		return;
	}
	holder_fill(&w->a->holder[n & (ABI_HOLDERS - 1)], tgid, proc);
	w->a->n_holders = n + 1;
}

static __always_inline void nobody(struct weighing *w)
{
	w->a->matched = w->a->lost = w->a->leaving = w->a->calls = 0;
	w->a->n_holders = w->a->marks = 0;
	w->a->spread_ns = 0;
	for (__u32 i = 0; i < ABI_HOLDERS; i++)
		w->a->holder[i].tgid = 0;
}

static __always_inline bool is_threaded(const struct sighting *s)
{
	const struct files_struct *files = (const void *)s->files;

	return BPF_CORE_READ(files, count.counter) > 1;
}

static long weigh_one(__u32 i, struct weighing *w)
{
	const struct sighting *s = &w->rec->s[i & (ABI_SIGHTINGS - 1)];
	__u32 tgid = s->tgid;
	struct proc_rec *proc;

	if (!s->files)
		return 0;
	proc = bpf_map_lookup_elem(&procs, &tgid);
	if (proc && sighting_holds(s, proc, w->file)) {
		w->a->matched++;
	} else if (proc && proc->files == s->files && is_leaving(proc, tgid)) {
		w->a->leaving++;
	} else {
		if (i || !(w->rec->flags & SOCK_GUESSED))
			w->a->lost++;
		return 0;
	}
	if (!i)
		w->rec->flags &= ~SOCK_GUESSED;
	if (proc->flags & PROC_FILES_SHARED)
		w->a->marks |= MARK_SHARED;
	if (proc->spread_ns > w->a->spread_ns)
		w->a->spread_ns = proc->spread_ns;
	/* A call takes a reference where other threads could close the descriptor under it. */
	if (w->sending && tgid == bpf_get_current_pid_tgid() >> 32 && is_threaded(s))
		w->a->calls = 1;
	holder_add(w, tgid, proc);
	return 0;
}

static __always_inline void weigh_all(struct weighing *w)
{
	nobody(w);
	bpf_loop(w->rec->used, weigh_one, w, 0);
}

/* A descriptor to put on record. Twice the same would count twice: it never is. */
struct adding {
	struct sock_rec *rec; /* in the map */
	__u64 files;
	__u32 tgid, fd;
	__u32 slot; /* first free one */
	__u32 there;
};

static long find_slot(__u32 i, struct adding *a)
{
	struct sighting *s = &a->rec->s[i & (ABI_SIGHTINGS - 1)];

	if (s->files == a->files && s->fd == a->fd) {
		s->tgid = a->tgid;
		a->there = 1;
		return 1;
	}
	if (!s->files && a->slot == ABI_SIGHTINGS)
		a->slot = i;
	return 0;
}

static __always_inline void sighting_add(struct sock_rec *rec, __u64 files, __u32 tgid, __u32 fd)
{
	struct adding a = {rec, files, tgid, fd, ABI_SIGHTINGS, 0};
	struct sighting *s;

	bpf_loop(rec->used, find_slot, &a, 0);
	if (a.there)
		return;
	if (a.slot == ABI_SIGHTINGS && rec->used < ABI_SIGHTINGS)
		a.slot = rec->used++;
	if (a.slot >= ABI_SIGHTINGS) {
		rec->flags |= SOCK_CROWDED;
		return;
	}
	s = &rec->s[a.slot & (ABI_SIGHTINGS - 1)];
	if (!rec->creator)
		rec->creator = tgid;
	else if (tgid != rec->creator)
		rec->changed_ns = bpf_ktime_get_boot_ns();
	s->tgid = tgid;
	s->fd = fd;
	barrier();
	s->files = files;
}

static long clean_one(__u32 i, struct weighing *w)
{
	struct sighting *s = &w->rec->s[i & (ABI_SIGHTINGS - 1)];
	__u32 tgid = s->tgid;
	struct proc_rec *proc;

	if (!s->files)
		return 0;
	proc = bpf_map_lookup_elem(&procs, &tgid);
	if (proc && sighting_holds(s, proc, w->file))
		return 0;
	s->files = 0;
	if (i || !(w->rec->flags & SOCK_GUESSED))
		w->rec->changed_ns = bpf_ktime_get_boot_ns();
	return 0;
}

/* Drops the sightings that no longer hold, so that they cannot stand in the way of later proofs. */
static __always_inline void sightings_clean(struct sock_rec *rec, const struct file *file)
{
	struct weighing w = {.rec = rec, .file = file};

	bpf_loop(rec->used, clean_one, &w, 0);
}

struct searching {
	struct sock_rec *rec;
	const struct file *file;
	struct files_struct *files;
	struct file **array;
	__u32 found;
};

static long search_one(__u32 fd, struct searching *c)
{
	struct file *found = NULL;

	if (bpf_probe_read_kernel(&found, sizeof(found), c->array + fd))
		return 1;
	if (found != c->file)
		return 0;
	sighting_add(c->rec, (__u64)c->files, bpf_get_current_pid_tgid() >> 32, fd);
	c->found = 1;
	return 0;
}

/* Searches the current process's descriptors for the file: whoever sends usually holds it. */
static __always_inline bool scan_current(struct sock_rec *rec, const struct file *file)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct files_struct *files = BPF_CORE_READ(task, files);
	struct searching c = {.rec = rec, .file = file, .files = files};
	struct fdtable *fdt;
	__u32 max;

	if (!files)
		return false;
	fdt = BPF_CORE_READ(files, fdt);
	c.array = BPF_CORE_READ(fdt, fd);
	max = BPF_CORE_READ(fdt, max_fds);
	bpf_loop(max < SCAN_MAX ? max : SCAN_MAX, search_one, &c, 0);
	return c.found;
}

/* Where the kin of a holder may have the file: a fork leaves it at the same number. */
struct visiting {
	struct sock_rec *rec;
	const struct file *file;
	__u32 fd;
	__u32 next; /* tgid */
};

static __always_inline struct proc_rec *visit(struct visiting *v, __u32 tgid)
{
	struct proc_rec *proc = bpf_map_lookup_elem(&procs, &tgid);
	struct sighting s = {.fd = v->fd, .tgid = tgid};

	if (!proc)
		return NULL;
	s.files = proc->files;
	if (s.files && sighting_holds(&s, proc, v->file))
		sighting_add(v->rec, s.files, tgid, v->fd);
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
static long search_kin(__u32 i, struct weighing *w)
{
	const struct sighting *s = &w->rec->s[i & (ABI_SIGHTINGS - 1)];
	struct visiting v = {.rec = w->rec, .file = w->file, .fd = s->fd};
	__u32 tgid = s->tgid;
	struct proc_rec *proc;

	if (!s->files)
		return 0;
	proc = bpf_map_lookup_elem(&procs, &tgid);
	if (!proc)
		return 0;
	v.next = proc->last_child;
	bpf_loop(KIN_MAX, visit_child, &v, 0);
	proc = visit(&v, proc->ppid);
	if (!proc)
		return 0;
	v.next = proc->last_child;
	bpf_loop(KIN_MAX, visit_child, &v, 0);
	return 0;
}

static __always_inline bool sum_proves(const struct answer *a)
{
	__u32 most = a->matched + a->leaving + a->calls;

	return a->n_holders && a->matched <= a->references && a->references <= most &&
	       !(a->marks & MARK_SHARED);
}

/* Proof without the sum; see the head of this file. */
static __always_inline bool history_proves(const struct sock_rec *rec, const struct answer *a)
{
	const struct global_rec *g = global_state();

	if (!g || !a->n_holders || a->lost || (a->marks & MARK_SHARED) || !rec->proven_ns ||
	    (rec->flags & SOCK_CROWDED))
		return false;
	if ((rec->flags & SOCK_UNSETTLED) && g->received_ns >= rec->proven_ns)
		return false;
	return a->spread_ns < rec->proven_ns && g->taken_ns < rec->proven_ns;
}

static long find_closer(__u32 i, struct weighing *w)
{
	const struct sighting *s = &w->rec->s[i & (ABI_SIGHTINGS - 1)];
	__u32 current = bpf_get_current_pid_tgid() >> 32;

	if (!s->files || s->tgid != current)
		return 0;
	w->only = current;
	return 1;
}

static long add_closing(__u32 i, struct weighing *w)
{
	const struct sighting *s = &w->rec->s[i & (ABI_SIGHTINGS - 1)];
	__u32 tgid = s->tgid;
	struct proc_rec *proc;

	if (!s->files || (w->only && tgid != w->only))
		return 0;
	proc = bpf_map_lookup_elem(&procs, &tgid);
	if (proc)
		holder_add(w, tgid, proc);
	else
		w->a->marks |= MARK_UNKNOWN;
	return 0;
}

/*
 * The last close is under way: no descriptor is left, and the socket's parting words (FIN, data
 * still in its buffer) belong to those who had it, first of all to who is closing it.
 */
static __always_inline bool closing_proves(struct weighing *w)
{
	nobody(w);
	bpf_loop(w->rec->used, find_closer, w, 0);
	bpf_loop(w->rec->used, add_closing, w, 0);
	return w->a->n_holders && !(w->a->marks & MARK_UNKNOWN);
}

/* Nothing but an io_uring has it: it is of who made it, if that never gave a descriptor away. */
static __always_inline bool ring_proves(struct weighing *w)
{
	__u32 tgid = w->rec->creator;
	struct proc_rec *proc = bpf_map_lookup_elem(&procs, &tgid);

	if (w->a->n_holders || !proc || !(proc->flags & PROC_URING) || (proc->flags & PROC_EXITED))
		return false;
	holder_add(w, tgid, proc);
	return w->a->references <= 2 && proc->spread_ns < w->rec->proven_ns;
}

/* First by what is on record, then after a search where the rest may be. */
static long attempt(__u32 i, struct weighing *w)
{
	if (i) {
		scan_current(w->rec, w->file);
		bpf_loop(w->rec->used, search_kin, w, 0);
	}
	weigh_all(w);
	w->a->references = file_references(w->file);
	if (sum_proves(w->a)) {
		w->rec->proven_ns = bpf_ktime_get_boot_ns();
		w->rec->flags &= ~(SOCK_UNSETTLED | SOCK_CROWDED);
		w->a->marks |= MARK_PROVEN;
		return 1;
	}
	if (!history_proves(w->rec, w->a))
		return 0;
	w->a->marks |= MARK_PROVEN;
	return 1;
}

static __always_inline bool prove_open(struct weighing *w)
{
	w->a->references = file_references(w->file);
	if (!w->a->references)
		return closing_proves(w);
	bpf_loop(2, attempt, w, 0);
	if (!(w->a->marks & MARK_PROVEN))
		return ring_proves(w);
	if (w->a->lost)
		sightings_clean(w->rec, w->file);
	return true;
}

/*
 * Names the holders of an open file in *a and sets its state. sending: the current thread is in the
 * call that sends the packet.
 */
static __always_inline void prove(struct sock_rec *rec, const struct file *file, bool sending,
				  struct answer *a)
{
	struct weighing w = {.rec = rec, .file = file, .a = a, .sending = sending};

	bool proven = prove_open(&w);

	a->changed_ns = rec->changed_ns;
	if (!proven)
		a->state = NOTE_UNPROVEN;
	else
		a->state = a->marks & MARK_MANY ? NOTE_MANY : NOTE_PROVEN;
}

#endif
