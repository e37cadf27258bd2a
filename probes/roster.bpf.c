// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What is asked of a roster, and written to it: see roster.h. */
#include "roster.h"

#define NO_SLOT	 (ABI_SIGHTINGS + ABI_CROWD)
#define PATIENCE 1000 /* tries; to add takes less */

static struct crowd blank_crowd; /* all zero */

int sighting_holds(const struct sighting *s, const struct proc_rec *proc, __u64 file)
{
	if (!s || !proc)
		return 0;
	if (!(proc->flags & PROC_EXITED) && task_has(proc->task, s->files, s->fd, file))
		return 1;
	return uses_table(proc, s->tgid, s->files) &&
	       table_has(s->files, s->fd, (const struct file *)file);
}

int is_closing(const struct sighting *s, const struct proc_rec *proc)
{
	if (!s || !proc)
		return 0;
	return proc->files == s->files && is_leaving(proc, s->tgid);
}

/* A descriptor to put on record. Twice the same would count twice: it never is. */
struct adding {
	struct roster r;
	struct sighting new;
	__u32 slot; /* first free one */
	__u32 there;
};

static long find_slot(__u32 i, struct adding *a)
{
	struct sighting *s = roster_at(&a->r, i);

	if (!s)
		return 1;
	if (s->files == a->new.files && s->fd == a->new.fd && s->tgid == a->new.tgid) {
		a->there = 1;
		return 1;
	}
	if (!s->files && a->slot == NO_SLOT)
		a->slot = i;
	return 0;
}

static long reap_crowd(const void *map, const __u64 *cookie, const void *crowd, void *nothing)
{
	const struct sock_rec *rec = sock_record_kept(*cookie);

	if (!rec || is_gone(rec, *cookie))
		bpf_map_delete_elem(&crowds, cookie);
	return 0;
}

static __always_inline struct crowd *new_crowd(__u64 cookie)
{
	if (bpf_map_update_elem(&crowds, &cookie, &blank_crowd, BPF_NOEXIST)) {
		bpf_for_each_map_elem(&crowds, reap_crowd, NULL, 0);
		bpf_map_update_elem(&crowds, &cookie, &blank_crowd, BPF_NOEXIST);
	}
	return bpf_map_lookup_elem(&crowds, &cookie);
}

/* One more slot than there were. */
static __always_inline __u32 new_slot(struct roster *r, __u64 cookie)
{
	if (r->rec->used >= NO_SLOT)
		return NO_SLOT;
	if (r->rec->used >= ABI_SIGHTINGS && !r->crowd) {
		if (!cookie)
			return NO_SLOT;
		r->crowd = new_crowd(cookie);
		if (!r->crowd)
			return NO_SLOT;
	}
	return r->rec->used++;
}

static long lock_record(__u32 i, struct sock_rec **rec)
{
	return !__sync_val_compare_and_swap(&(*rec)->busy, 0, 1);
}

/* What was remembered of the socket does not know of who has just come. */
static __always_inline void tell_memo(__u64 cookie)
{
	struct memo *m = memo_of(cookie);

	if (m)
		__sync_fetch_and_add(&m->joined, 1);
}

static __always_inline bool add_locked(struct adding *a, __u64 cookie)
{
	struct sock_rec *rec = a->r.rec;
	__u32 tgid = a->new.tgid;
	struct sighting *s;

	bpf_loop(rec->used, find_slot, a, 0);
	if (a->there)
		return true;
	if (a->slot == NO_SLOT)
		a->slot = new_slot(&a->r, cookie);
	s = a->slot == NO_SLOT ? NULL : roster_at(&a->r, a->slot);
	if (!s) {
		rec->flags |= SOCK_CROWDED;
		return false;
	}
	if (!rec->creator)
		rec->creator = tgid;
	else if (tgid != rec->creator)
		rec->changed_ns = bpf_ktime_get_boot_ns();
	s->tgid = tgid;
	s->fd = a->new.fd;
	barrier();
	s->files = a->new.files;
	tell_memo(cookie);
	return true;
}

/* One at a time. Who does not get his turn leaves a sighting out, and the sum is short. */
int roster_add(struct sock_rec *rec, __u64 cookie, __u64 files, __u32 tgid, __u32 fd)
{
	struct adding a = {.new = {files, tgid, fd}, .slot = NO_SLOT};
	bool added;

	if (!rec || bpf_loop(PATIENCE, lock_record, &rec, 0) == PATIENCE)
		return 0;
	roster_open(&a.r, cookie, rec, NULL);
	added = add_locked(&a, cookie);
	__sync_fetch_and_and(&rec->busy, 0);
	return added;
}

struct cleaning {
	struct roster r;
	__u32 used;
};

static long clean_one(__u32 i, struct cleaning *c)
{
	struct sighting *s = roster_at(&c->r, i);
	struct proc_rec *proc;
	__u32 tgid;

	if (!s)
		return 1;
	if (!s->files)
		return 0;
	tgid = s->tgid;
	proc = bpf_map_lookup_elem(&procs, &tgid);
	if (proc && (sighting_holds(s, proc, (__u64)c->r.file) || is_closing(s, proc))) {
		c->used = i + 1;
		return 0;
	}
	s->files = 0;
	if (i || !(c->r.rec->flags & SOCK_GUESSED))
		c->r.rec->changed_ns = bpf_ktime_get_boot_ns();
	return 0;
}

int roster_clean(struct sock_rec *rec, __u64 cookie, __u64 file)
{
	struct cleaning c = {};

	if (!rec)
		return 0;
	roster_open(&c.r, cookie, rec, (const struct file *)file);
	bpf_loop(rec->used, clean_one, &c, 0);
	if (c.r.crowd && c.used > ABI_SIGHTINGS)
		rec->used = c.used;
	return 0;
}
