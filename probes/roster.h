/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The roster of a socket: the descriptors at which its file was seen. The first few are in the
 * socket's record; one that a crowd shares has the rest in a map of its own.
 */
#ifndef PROBES_ROSTER_H
#define PROBES_ROSTER_H

#include "table.h"

static struct sock_rec blank_sock; /* all zero: the start of a record, too large for the stack */

/* The record of a socket of which nothing is known yet, as a rule; NULL when the map will not take
 * it. */
static __always_inline struct sock_rec *sock_record_made(__u64 cookie)
{
	struct sock_rec *rec;

	/* Another may be the first: that is no loss. */
	bpf_map_update_elem(&socks, &cookie, &blank_sock, BPF_NOEXIST);
	rec = bpf_map_lookup_elem(&socks, &cookie);
	if (!rec)
		count(PCOUNT_SOCKS_FULL);
	return rec;
}

/* The same of one that has a record, as a rule. */
static __always_inline struct sock_rec *sock_record(__u64 cookie)
{
	struct sock_rec *rec = bpf_map_lookup_elem(&socks, &cookie);

	return rec ? rec : sock_record_made(cookie);
}

/* What a walk over it needs; the cookie of a record that is in no map is 0. */
struct roster {
	struct sock_rec *rec;
	struct crowd *crowd; /* NULL: none */
	const struct file *file;
};

static __always_inline void roster_open(struct roster *r, __u64 cookie, struct sock_rec *rec,
					const struct file *file)
{
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

/* The parts of roster.bpf.c return what a bool would. */

/* Whether the process has the file there, now. file: a kernel address. */
int sighting_holds(const struct sighting *s, const struct proc_rec *proc, __u64 file);

/* Whether the process is closing the table that the descriptor was in: it may count, or not any
 * more. */
int is_closing(const struct sighting *s, const struct proc_rec *proc);

/* Puts a descriptor on record, or finds it there. 0: there is no room, or another is at it for too
 * long; the sum of the sightings is short then. */
int roster_add(struct sock_rec *rec, __u64 cookie, __u64 files, __u32 tgid, __u32 fd);

/* Drops the sightings that no longer hold, so that they cannot stand in the way of later proofs. */
int roster_clean(struct sock_rec *rec, __u64 cookie, __u64 file);

#endif
