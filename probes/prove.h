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
 * References that are not descriptors (a thread of the process inside a call on the socket, an
 * io_uring registration) leave the sum short. Then the sightings are still all there is if none of
 * them is lost, none of the holders may have given a descriptor away since they were last proven,
 * and nobody took one (pidfd_getfd).
 */
#ifndef PROBES_PROVE_H
#define PROBES_PROVE_H

#include "maps.h"

#define SCAN_CHUNK 16  /* pointers read at once: 128 bytes of stack */
#define SCAN_MAX   128 /* descriptors of the current process that are searched in place */

struct evidence {
	__u32 matched;   /* sightings that hold */
	__u32 lost;      /* sightings that do not */
	__u32 n_holders; /* distinct processes among those that hold */
	bool shared;     /* a holder shares its descriptor table with another process */
	bool threaded;   /* a table is in use by several threads: calls take references */
	bool unknown;    /* a holder has no process record */
	bool crowded;    /* more holders than fit */
	__u64 spread_ns; /* newest of the holders' */
};

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

/* Adds a process to out[0..max) unless it is there. max is a power of two. */
static __always_inline void holder_add(struct note_holder *out, __u32 max, struct evidence *e,
				       __u32 tgid, const struct proc_rec *proc)
{
	bool there = false;

	for (__u32 i = 0; i < max; i++)
		if (i < e->n_holders && out[i].tgid == tgid)
			there = true;
	if (there)
		return;
	if (e->n_holders >= max) {
		e->crowded = true;
		return;
	}
	holder_fill(&out[e->n_holders & (max - 1)], tgid, proc);
	e->n_holders++;
}

static __always_inline void weigh(const struct sighting *s, const struct file *file,
				  struct note_holder *out, __u32 max, struct evidence *e)
{
	const struct files_struct *files = (const void *)s->files;
	__u32 tgid = s->tgid;
	struct proc_rec *proc = bpf_map_lookup_elem(&procs, &tgid);

	if (!sighting_holds(s, proc, file)) {
		e->lost++;
		return;
	}
	e->matched++;
	if (proc->flags & PROC_FILES_SHARED)
		e->shared = true;
	if (BPF_CORE_READ(files, count.counter) > 1)
		e->threaded = true;
	if (proc->spread_ns > e->spread_ns)
		e->spread_ns = proc->spread_ns;
	holder_add(out, max, e, tgid, proc);
}

/* Puts a descriptor on record. Twice the same would count twice: it never is. */
static __always_inline void sighting_add(struct sock_rec *rec, __u64 files, __u32 tgid, __u32 fd)
{
	struct sighting *free_slot = NULL;

	for (int i = 0; i < ABI_SIGHTINGS; i++) {
		struct sighting *s = &rec->s[i];

		if (s->files == files && s->fd == fd) {
			s->tgid = tgid;
			return;
		}
		if (!s->files && !free_slot)
			free_slot = s;
	}
	if (!free_slot) {
		rec->flags |= SOCK_CROWDED;
		return;
	}
	free_slot->tgid = tgid;
	free_slot->fd = fd;
	barrier();
	free_slot->files = files;
}

/* Drops the sightings that no longer hold, so that they cannot stand in the way of later proofs. */
static __always_inline void sightings_clean(struct sock_rec *rec, const struct file *file)
{
	for (int i = 0; i < ABI_SIGHTINGS; i++) {
		__u32 tgid = rec->s[i].tgid;

		if (rec->s[i].files &&
		    !sighting_holds(&rec->s[i], bpf_map_lookup_elem(&procs, &tgid), file))
			rec->s[i].files = 0;
	}
	rec->flags &= ~SOCK_CROWDED;
}

/* Searches the current process's descriptors for the file: whoever sends usually holds it. */
static __always_inline bool scan_current(struct sock_rec *rec, const struct file *file)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct files_struct *files = BPF_CORE_READ(task, files);
	struct fdtable *fdt;
	struct file **array;
	__u32 max;
	bool found = false;

	if (!files)
		return false;
	fdt = BPF_CORE_READ(files, fdt);
	max = BPF_CORE_READ(fdt, max_fds);
	array = BPF_CORE_READ(fdt, fd);
	for (__u32 base = 0; base < SCAN_MAX && base < max; base += SCAN_CHUNK) {
		__u64 chunk[SCAN_CHUNK];

		if (bpf_probe_read_kernel(chunk, sizeof(chunk), array + base))
			break;
		for (__u32 i = 0; i < SCAN_CHUNK; i++)
			if (chunk[i] == (__u64)file) {
				sighting_add(rec, (__u64)files, bpf_get_current_pid_tgid() >> 32,
					     base + i);
				found = true;
			}
	}
	return found;
}

static __always_inline void weigh_all(const struct sock_rec *rec, const struct file *file,
				      struct note_holder *out, __u32 max, struct evidence *e)
{
	__builtin_memset(e, 0, sizeof(*e));
	for (int i = 0; i < ABI_SIGHTINGS; i++)
		if (rec->s[i].files)
			weigh(&rec->s[i], file, out, max, e);
}

static __always_inline bool sum_proves(const struct evidence *e, __s64 references)
{
	return e->matched && e->matched == references && !e->shared && !e->crowded;
}

/* Proof without the sum; see the head of this file. */
static __always_inline bool history_proves(const struct sock_rec *rec, const struct evidence *e)
{
	const struct global_rec *g = global_state();

	if (!g || !e->matched || e->lost || e->shared || e->crowded || !rec->proven_ns)
		return false;
	if (!e->threaded && !(rec->flags & SOCK_UNSETTLED))
		return false; /* single-threaded: nothing innocent explains the difference */
	if ((rec->flags & SOCK_UNSETTLED) && g->received_ns >= rec->proven_ns)
		return false;
	return e->spread_ns < rec->proven_ns && g->taken_ns < rec->proven_ns;
}

/*
 * The last close is under way: no descriptor is left, and the socket's parting words (FIN, data
 * still in its buffer) belong to those who had it, first of all to who is closing it.
 */
static __always_inline bool closing_proves(const struct sock_rec *rec, struct note_holder *out,
					   __u32 max, __u32 *n)
{
	__u32 current = bpf_get_current_pid_tgid() >> 32;
	struct evidence e = {};
	bool closer = false;

	for (int i = 0; i < ABI_SIGHTINGS; i++)
		if (rec->s[i].files && rec->s[i].tgid == current)
			closer = true;
	for (int i = 0; i < ABI_SIGHTINGS; i++) {
		__u32 tgid = rec->s[i].tgid;
		struct proc_rec *proc;

		if (!rec->s[i].files || (closer && tgid != current))
			continue;
		proc = bpf_map_lookup_elem(&procs, &tgid);
		if (!proc)
			return false;
		holder_add(out, max, &e, tgid, proc);
	}
	*n = e.n_holders;
	return e.n_holders && !e.crowded;
}

/*
 * Names the holders of an open file in out[0..*n). Returns whether they are proven. `max` is a
 * power of two, at most ABI_SIGHTINGS.
 */
static __always_inline bool prove(struct sock_rec *rec, const struct file *file,
				  struct note_holder *out, __u32 max, __u32 *n)
{
	__s64 references = file_references(file);
	struct evidence e;

	if (!references)
		return closing_proves(rec, out, max, n);
	weigh_all(rec, file, out, max, &e);
	if (!sum_proves(&e, references) && !history_proves(rec, &e)) {
		if (!scan_current(rec, file))
			return false;
		references = file_references(file);
		weigh_all(rec, file, out, max, &e);
	}
	*n = e.n_holders;
	if (sum_proves(&e, references)) {
		rec->proven_ns = bpf_ktime_get_boot_ns();
		if (e.lost)
			sightings_clean(rec, file);
		rec->flags &= ~SOCK_UNSETTLED;
		return true;
	}
	return history_proves(rec, &e);
}

#endif
