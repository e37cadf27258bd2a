/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The roster of a socket: the descriptors at which its file was seen. The first few are in the
 * socket's record; one that a crowd shares has the rest in a map of its own.
 */
#ifndef PROBES_ROSTER_H
#define PROBES_ROSTER_H

#include "table.h"

/* All zero: the start of a record, too large for the stack. */
static struct sock_rec blank_sock;
static struct crowd blank_crowd;

/* The record of a socket, made where there is none; NULL when the map will not take it. */
static __always_inline struct sock_rec *sock_record(__u64 cookie)
{
	struct sock_rec *rec = bpf_map_lookup_elem(&socks, &cookie);

	if (rec)
		return rec;
	/* Another processor may be the first: that is no loss. */
	bpf_map_update_elem(&socks, &cookie, &blank_sock, BPF_NOEXIST);
	rec = bpf_map_lookup_elem(&socks, &cookie);
	if (!rec)
		count(PCOUNT_SOCKS_FULL);
	return rec;
}

struct roster {
	__u64 cookie; /* 0: a record that is in no map */
	struct sock_rec *rec;
	struct crowd *crowd; /* NULL: none */
	const struct file *file;
};

static __always_inline void roster_open(struct roster *r, __u64 cookie, struct sock_rec *rec,
					const struct file *file)
{
	r->cookie = cookie;
	r->rec = rec;
	r->file = file;
	r->crowd = rec->used > ABI_SIGHTINGS ? bpf_map_lookup_elem(&crowds, &cookie) : NULL;
}

static __always_inline struct sighting *roster_at(struct roster *r, __u32 i)
{
	struct crowd *crowd = r->crowd;

	if (i < ABI_SIGHTINGS)
		return &r->rec->s[i & (ABI_SIGHTINGS - 1)];
	if (!crowd)
		return NULL;
	barrier_var(crowd); /* no arithmetic before the test: the verifier insists */
	return &crowd->s[(i - ABI_SIGHTINGS) & (ABI_CROWD - 1)];
}

static __always_inline void roster_drop(__u64 cookie)
{
	struct sock_rec *rec = bpf_map_lookup_elem(&socks, &cookie);

	if (!rec)
		return;
	if (rec->used > ABI_SIGHTINGS)
		bpf_map_delete_elem(&crowds, &cookie);
	bpf_map_delete_elem(&socks, &cookie);
}

/* Whether the process has the file there, now. */
static __always_inline bool sighting_holds(const struct sighting *s, const struct proc_rec *proc,
					   const struct file *file)
{
	return uses_table(proc, s->tgid, s->files) && table_has(s->files, s->fd, file);
}

/* Whether the process is closing the table that the descriptor was in: it may count, or not any
 * more. */
static __always_inline bool is_closing(const struct sighting *s, const struct proc_rec *proc)
{
	return proc->files == s->files && is_leaving(proc, s->tgid);
}

/* A descriptor to put on record. Twice the same would count twice: it never is. */
struct adding {
	struct roster *r;
	struct sighting new;
	__u32 slot; /* first free one */
	__u32 there;
};

#define NO_SLOT	 (ABI_SIGHTINGS + ABI_CROWD)
#define PATIENCE 1000 /* tries; to add takes less */

static long find_slot(__u32 i, struct adding *a)
{
	struct sighting *s = roster_at(a->r, i);

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

/* One more slot than there were. */
static __always_inline __u32 new_slot(struct roster *r)
{
	if (r->rec->used >= NO_SLOT)
		return NO_SLOT;
	if (r->rec->used >= ABI_SIGHTINGS && !r->crowd) {
		if (!r->cookie)
			return NO_SLOT;
		bpf_map_update_elem(&crowds, &r->cookie, &blank_crowd, BPF_NOEXIST);
		r->crowd = bpf_map_lookup_elem(&crowds, &r->cookie);
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
static __always_inline void roster_joined(__u64 cookie)
{
	struct memo *m = memo_of(cookie);

	if (m)
		__sync_fetch_and_add(&m->joined, 1);
}

static __always_inline bool add_locked(struct roster *r, __u64 files, __u32 tgid, __u32 fd)
{
	struct adding a = {r, {files, tgid, fd}, NO_SLOT, 0};
	struct sock_rec *rec = r->rec;
	struct sighting *s;

	bpf_loop(rec->used, find_slot, &a, 0);
	if (a.there)
		return true;
	if (a.slot == NO_SLOT)
		a.slot = new_slot(r);
	s = a.slot == NO_SLOT ? NULL : roster_at(r, a.slot);
	if (!s) {
		rec->flags |= SOCK_CROWDED;
		return false;
	}
	if (!rec->creator)
		rec->creator = tgid;
	else if (tgid != rec->creator)
		rec->changed_ns = bpf_ktime_get_boot_ns();
	s->tgid = tgid;
	s->fd = fd;
	barrier();
	s->files = files;
	roster_joined(r->cookie);
	return true;
}

/* One at a time. Who does not get his turn leaves a sighting out, and the sum is short. */
static __always_inline bool roster_add(struct roster *r, __u64 files, __u32 tgid, __u32 fd)
{
	struct sock_rec *rec = r->rec;
	bool added;

	if (bpf_loop(PATIENCE, lock_record, &rec, 0) == PATIENCE)
		return false;
	added = add_locked(r, files, tgid, fd);
	__sync_fetch_and_and(&r->rec->busy, 0);
	return added;
}

struct cleaning {
	struct roster *r;
	__u32 used;
};

static long clean_one(__u32 i, struct cleaning *c)
{
	struct sighting *s = roster_at(c->r, i);
	struct proc_rec *proc;
	__u32 tgid;

	if (!s)
		return 1;
	if (!s->files)
		return 0;
	tgid = s->tgid;
	proc = bpf_map_lookup_elem(&procs, &tgid);
	if (proc && (sighting_holds(s, proc, c->r->file) || is_closing(s, proc))) {
		c->used = i + 1;
		return 0;
	}
	s->files = 0;
	if (i || !(c->r->rec->flags & SOCK_GUESSED))
		c->r->rec->changed_ns = bpf_ktime_get_boot_ns();
	return 0;
}

/* Drops the sightings that no longer hold, so that they cannot stand in the way of later proofs. */
static __always_inline void roster_clean(struct roster *r)
{
	struct cleaning c = {.r = r};

	bpf_loop(r->rec->used, clean_one, &c, 0);
	if (r->crowd && c.used > ABI_SIGHTINGS)
		r->rec->used = c.used;
}

#endif
