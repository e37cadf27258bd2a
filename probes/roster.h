/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The roster of a socket: the descriptors at which its file was seen. The first few are in the
 * socket's record; one that a crowd shares has the rest in a map of its own.
 */
#ifndef PROBES_ROSTER_H
#define PROBES_ROSTER_H

#include "mptcp.h"
#include "table.h"

static struct sock_rec blank_sock; /* all zero: the start of a record, too large for the stack */

static __always_inline struct sock_place *place_of(__u64 cookie)
{
	__u32 place = abi_place_of(cookie);

	return bpf_map_lookup_elem(&sock_places, &place);
}

static __always_inline bool is_at(const struct sock_place *p, __u64 cookie)
{
	return p && *(const volatile __u64 *)&p->cookie == cookie;
}

/* Past the sightings that a record had in use it is as it was before: all 0. */
static __always_inline void clear(struct sock_rec *rec)
{
	if (rec->used > 1)
		__builtin_memset(rec->s, 0, sizeof(rec->s));
	__builtin_memset(rec, 0, __builtin_offsetof(struct sock_rec, s[1]));
}

/* Whether the socket is no more. While a record is being made it does not say where that is. */
static __always_inline bool is_gone(const struct sock_rec *rec, __u64 cookie)
{
	__u64 sk = *(const volatile __u64 *)&rec->sk;

	return sk && is_over((const struct sock *)sk, false, sk, cookie);
}

/* The same, by a call, which is quicker. */
static __always_inline bool is_gone_quick(const struct sock_rec *rec, __u64 cookie)
{
	__u64 sk = *(const volatile __u64 *)&rec->sk;

	return sk && sock_is_over(sk, cookie);
}

/*
 * Whether the place is now the new socket's: it was free, or that of a socket which is no more. For
 * nothing is told of the ends of sockets, which all would pay for. Who comes in between makes no
 * use of it.
 */
static __always_inline bool take_place(struct sock_place *p, __u64 cookie)
{
	__u64 old = *(const volatile __u64 *)&p->cookie;

	if (old == PLACE_TAKEN || (old && !is_gone_quick(&p->rec, old)) ||
	    __sync_val_compare_and_swap(&p->cookie, old, PLACE_TAKEN) != old)
		return false;
	clear(&p->rec);
	barrier();
	*(volatile __u64 *)&p->cookie = cookie;
	return true;
}

/* One more is in need of a record whose place has another: of those that are no more the daemon is
 * to make room in time. */
static __always_inline void count_other(void)
{
	struct global_rec *g = global_state();
	struct hint_head *h;

	if (!g || (__sync_fetch_and_add(&g->others, 1) + 1) % ABI_REAP)
		return;
	h = bpf_ringbuf_reserve(&hints, sizeof(*h), 0);
	if (!h)
		return;
	h->kind = HINT_REAP;
	h->pad = 0;
	bpf_ringbuf_submit(h, BPF_RB_FORCE_WAKEUP);
}

/* The record of a socket that has none, and that nobody else makes one for, but see sock_record();
 * NULL when there is no room. */
static __always_inline struct sock_rec *sock_record_new(__u64 cookie)
{
	struct sock_place *p = place_of(cookie);
	struct sock_rec *rec;

	if (p && take_place(p, cookie))
		return &p->rec;
	bpf_map_update_elem(&socks, &cookie, &blank_sock, BPF_NOEXIST);
	rec = bpf_map_lookup_elem(&socks, &cookie);
	count_other();
	if (!rec)
		count(PCOUNT_SOCKS_FULL);
	return rec;
}

/* The record of a socket; NULL: it has none. */
static __always_inline struct sock_rec *sock_record_kept(__u64 cookie)
{
	struct sock_place *p = place_of(cookie);

	if (!cookie)
		return NULL;
	return is_at(p, cookie) ? &p->rec : bpf_map_lookup_elem(&socks, &cookie);
}

/*
 * The record of a socket that may have none yet; NULL when there is no room. Of two who make it at
 * the same time one may find the place taken that the other finds free: what is in the place is the
 * record then, whoever is later takes the other out, and what was written to that is lost.
 */
static __always_inline struct sock_rec *sock_record(__u64 cookie)
{
	struct sock_rec *rec = sock_record_kept(cookie);
	struct sock_place *p;

	if (rec)
		return rec;
	rec = sock_record_new(cookie);
	p = place_of(cookie);
	if (rec && is_at(p, cookie)) {
		bpf_map_delete_elem(&socks, &cookie);
		return &p->rec;
	}
	return rec;
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
