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

#define SCAN_MAX 128 /* descriptors of the current process that are searched in place */

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

struct evidence {
	__u32 matched;	 /* sightings that hold */
	__u32 leaving;	 /* sightings of a process that is exiting at this moment */
	__u32 lost;	 /* sightings that do not hold */
	__u32 n_holders; /* distinct processes among those that hold */
	bool shared;	 /* a holder shares its descriptor table with another process */
	bool unknown;	 /* a holder has no process record */
	bool many;	 /* more holders than fit the list */
	__u64 spread_ns; /* newest of the holders' */
};

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
	struct note_holder *out; /* ABI_HOLDERS of them */
	__u32 only;		 /* 0, or the one tgid that is wanted */
	struct evidence e;
};

/* Adds a process to the list unless it is there. */
static __always_inline void holder_add(struct weighing *w, __u32 tgid, const struct proc_rec *proc)
{
	__u32 n = w->e.n_holders;

	for (__u32 i = 0; i < ABI_HOLDERS; i++) {
		if (i >= n)
			break;
		if (w->out[i].tgid == tgid)
			return;
	}
	if (n >= ABI_HOLDERS) {
		w->e.many = true;
		return;
	}
	holder_fill(&w->out[n & (ABI_HOLDERS - 1)], tgid, proc);
	w->e.n_holders = n + 1;
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
		w->e.matched++;
	} else if (proc && proc->files == s->files && is_leaving(proc, tgid)) {
		w->e.leaving++;
	} else {
		w->e.lost++;
		return 0;
	}
	if (proc->flags & PROC_FILES_SHARED)
		w->e.shared = true;
	if (proc->spread_ns > w->e.spread_ns)
		w->e.spread_ns = proc->spread_ns;
	holder_add(w, tgid, proc);
	return 0;
}

static __always_inline void weigh_all(struct weighing *w)
{
	__builtin_memset(&w->e, 0, sizeof(w->e));
	/* Nearly every socket has one: it is worth a way around the call. */
	if (w->rec->used == 1)
		weigh_one(0, w);
	else
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
	if (!proc || !sighting_holds(s, proc, w->file))
		s->files = 0;
	return 0;
}

/* Drops the sightings that no longer hold, so that they cannot stand in the way of later proofs. */
static __always_inline void sightings_clean(struct sock_rec *rec, const struct file *file)
{
	struct weighing w = {.rec = rec, .file = file};

	bpf_loop(rec->used, clean_one, &w, 0);
	rec->flags &= ~SOCK_CROWDED;
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

static __always_inline bool sum_proves(const struct evidence *e, __s64 references)
{
	return e->n_holders && e->matched <= references && references <= e->matched + e->leaving &&
	       !e->shared;
}

/* Proof without the sum; see the head of this file. */
static __always_inline bool history_proves(const struct sock_rec *rec, const struct evidence *e)
{
	const struct global_rec *g = global_state();

	if (!g || !e->n_holders || e->lost || e->shared || !rec->proven_ns ||
	    (rec->flags & SOCK_CROWDED))
		return false;
	if ((rec->flags & SOCK_UNSETTLED) && g->received_ns >= rec->proven_ns)
		return false;
	return e->spread_ns < rec->proven_ns && g->taken_ns < rec->proven_ns;
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
		w->e.unknown = true;
	return 0;
}

/*
 * The last close is under way: no descriptor is left, and the socket's parting words (FIN, data
 * still in its buffer) belong to those who had it, first of all to who is closing it.
 */
static __always_inline bool closing_proves(struct weighing *w)
{
	__builtin_memset(&w->e, 0, sizeof(w->e));
	bpf_loop(w->rec->used, find_closer, w, 0);
	bpf_loop(w->rec->used, add_closing, w, 0);
	return w->e.n_holders && !w->e.unknown;
}

static __always_inline bool prove_open(struct weighing *w)
{
	struct sock_rec *rec = w->rec;
	__s64 references = file_references(w->file);

	if (!references)
		return closing_proves(w);
	weigh_all(w);
	if (!sum_proves(&w->e, references) && !history_proves(rec, &w->e)) {
		if (!scan_current(rec, w->file))
			return false;
		references = file_references(w->file);
		weigh_all(w);
	}
	if (!sum_proves(&w->e, references))
		return history_proves(rec, &w->e);
	rec->proven_ns = bpf_ktime_get_boot_ns();
	if (w->e.lost)
		sightings_clean(rec, w->file);
	rec->flags &= ~SOCK_UNSETTLED;
	return true;
}

/* Names the holders of an open file in out[0..*n). Returns the state as an enum note_state. */
static __always_inline __u32 prove(struct sock_rec *rec, const struct file *file,
				   struct note_holder *out, __u32 *n, __u32 *matched)
{
	struct weighing w = {.rec = rec, .file = file, .out = out};
	bool proven = prove_open(&w);

	*n = w.e.n_holders;
	*matched = w.e.matched;
	if (!proven)
		return NOTE_UNPROVEN;
	return w.e.many ? NOTE_MANY : NOTE_PROVEN;
}

#endif
