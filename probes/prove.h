/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The proof of who holds a socket: see prove.bpf.c. */
#ifndef PROBES_PROVE_H
#define PROBES_PROVE_H

#include "roster.h"

/*
 * Names the holders of an open file in *answer and sets its state. A function of its own, not
 * inlined: the verifier looks at it once, and not once for each way to get here. Returns 0.
 *
 *   cookie   that the record is kept under; 0: it is in no map
 *   file     kernel address of the socket's open file
 *   sending  the current thread is in the call that sends the packet
 */
int prove(struct sock_rec *rec, struct answer *answer, __u64 cookie, __u64 file, __u64 sending);

/* An answer begins so: nobody has been seen to hold it. */
static __always_inline void nobody(struct answer *a)
{
	a->matched = a->shared = a->lost = a->leaving = a->calls = 0;
	a->n_holders = a->marks = 0;
	a->spread_ns = a->gave_ns = 0;
	for (__u32 i = 0; i < ABI_HOLDERS; i++)
		a->holder[i].tgid = 0;
}

/* Its parts: see prove.bpf.c. */
__noinline int attempt(struct sock_rec *rec, struct answer *answer, __u64 cookie, __u64 file,
		       __u64 sending);
__noinline int weigh(struct sock_rec *rec, struct answer *answer, __u64 cookie, __u64 file,
		     __u64 sending);
__noinline int weigh_shared(struct sock_rec *rec, struct answer *answer, __u64 cookie, __u64 file);
__noinline int count_waiters(struct answer *answer, __u64 file);
__noinline int may_be_taken(struct sock_rec *rec, __u64 cookie);
__noinline int closing_proves(struct sock_rec *rec, struct answer *answer, __u64 cookie);
__noinline int ring_proves(struct sock_rec *rec, struct answer *answer);

/* Put on record who is found to hold it: see seek.bpf.c. */
__noinline int seek(struct sock_rec *rec, __u64 cookie, __u64 file);
__noinline int seek_acceptor(struct sock_rec *rec, __u64 cookie, __u64 file);
__noinline int seek_closer(struct sock_rec *rec, __u64 cookie);

#endif
