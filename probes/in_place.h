/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is known by its address alone, read in place: at a tenth of the cost of
 * bpf_probe_read_kernel(), and as with that, what cannot be read is 0. Where the kernel does not
 * let us (before linux 6.2) it is read by that. All of it is in one file, for the linker of libbpf
 * 1.1 does not accept that two declare the function that allows it.
 *
 * Addresses are plain values, as functions want them that the verifier looks at once.
 */
#ifndef PROBES_IN_PLACE_H
#define PROBES_IN_PLACE_H

#include "maps.h"
#include "object.h"

/* The socket that answers for a packet, and what stands behind it. */
struct sock_view {
	__u64 open;   /* what a process has open: the socket itself, but see mptcp.h; 0: none */
	__u64 path;   /* the cookie of the socket itself, and */
	__u64 cookie; /* that under which what is open is on record */
	__u64 netns;  /* inode number */
	__u64 file;   /* 0: none stands behind it */
	__u16 protocol;
	bool dead;     /* it had a file once */
	bool accepted; /* or made by socket(2): it has a struct socket */
};

/* A connection request's is its listener; one in TIME_WAIT has none. */
int sock_look(struct sock_view *v, __u64 sk);

/* See mptcp.h. */
int sock_is_over(__u64 sk, __u64 cookie);

/* Puts down who opened a file that is there. */
int note_opener(struct note *note, __u64 file);

/* See kernel.h. */
long file_count(__u64 file);

/* Whether the process with that leader has the file at a descriptor of that table, and it is its
 * leader's. */
int task_has(__u64 leader, __u64 files, __u32 fd, __u64 file);

/* Whether the current thread is in a call on a descriptor of that file. */
int in_call_with(__u64 file);

/* Whether there is, or was, a pidfd of a thread; and of any thread of a process, by its leader: of
 * more than PIDFD_THREADS, one is taken to have one. */
#define PIDFD_THREADS 64
int task_has_pidfd(__u64 task);
int threads_have_pidfd(__u64 leader);

/* How many threads use a descriptor table. */
__u32 files_users(__u64 files);

/* Pages of executable mappings. */
__u64 mm_exec_pages(__u64 mm);

/* PCOUNT_COUNT: the holder has the file at his descriptor, maps what he did, and has not moved on
 * in gens; else what is not so. */
int holder_holds(const struct memo_holder *h, __u64 file);

/* Whether a struct vm_area_struct is executable, and was written to since the lock was taken:
 * include/linux/mmap_lock.h, vma_start_write(). */
int mapping_is_made(__u64 vma, __u32 sequence);

/* Fills in *v. */
int mapping_view(struct view *v, __u64 vma);

/* Fills in *rec, which is all 0 before, of a struct task_struct and a struct vm_area_struct; where
 * the kernel lets us read in place. */
int mapping_told(struct vma_rec *rec, __u64 task, __u64 vma);

#endif
