/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The edge to the probes in the kernel that see processes and sockets: loads, attaches, asks. */
#ifndef FW_PROBE_H
#define FW_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cache_abi.h"
#include "common/probe_abi.h"
#include "common/sock_abi.h"

struct probe;

struct probe_options {
	const char *object;  /* path of a BPF object; NULL: the copy built into the program */
	uint64_t queued_max; /* packets that may wait at one time: for so many there are notes */
};

/* What nothing can be loaded without: 0; or -errno with one line in err. From then on libbpf prints
 * nothing. */
int probe_check(char err[256]);

/*
 * After probe_check(). Loads and attaches the probes, then reads every process and descriptor there
 * is, so that sockets older than the daemon are known when this returns. Notes cover the network
 * namespace of the caller. Returns 0; or -errno with one line in err that names what is missing;
 * *out untouched.
 */
int probe_open(const struct probe_options *options, struct probe **out, char err[256]);
void probe_close(struct probe *p); /* NULL is fine */

/* Whether packets are noted as they are sent (linux 6.4); without, sockets are looked up later. */
enum note_source {
	NOTE_BY_NETFILTER, /* as it is sent; of packets of other namespaces, too */
	NOTE_BY_QUEUE,	   /* as it is queued; of our own namespace */
	NOTE_BY_NOBODY,	   /* senders are looked up after the fact */
};

enum note_source probe_note_source(const struct probe *p);

/* errno of what the kernel refused, although it has such programs; 0: nothing. */
int probe_note_error(const struct probe *p);

struct probe_notes;

/* Has the packets of the network namespace that the calling thread is in noted too. NULL when the
 * kernel cannot. Detach before probe_close; NULL is fine. */
struct probe_notes *probe_notes_attach(struct probe *p);
void probe_notes_detach(struct probe_notes *n);

/* The note of a packet by fingerprint, hook NF_INET_*: see note_table_take() and ..._late(). */
bool probe_note(struct probe *p, uint64_t print, uint8_t hook, uint64_t empty_ns, struct note *out);
bool probe_note_late(struct probe *p, uint64_t print, uint8_t hook, struct note *out);

/* From now on the sockets of all network namespaces are put on record, not only of our own; those
 * that there are, by the next scan. 0 or -errno. */
int probe_cover_all(struct probe *p);

/* Who holds a socket now. scanned_ns: see struct prove_args. 0 or -errno. */
int probe_prove(struct probe *p, uint64_t cookie, uint64_t scanned_ns, struct proof *out);

/* In whose queue a connection waits that nobody has accepted yet, of those that have their port
 * together with that listener; all cookies. 0: in none's, as far as can be seen. */
uint64_t probe_accept_queue(struct probe *p, uint64_t listener, uint64_t connection);

/* -ENOENT when there is no such record. probe_proc_started finds a process whose number has gone to
 * another since, too. */
int probe_proc(const struct probe *p, uint32_t tgid, struct proc_rec *out);
int probe_proc_started(const struct probe *p, uint32_t tgid, uint64_t start_ns,
		       struct proc_rec *out);
int probe_sock(const struct probe *p, uint64_t cookie, struct sock_rec *out);

/* Makes of a process's record the one of before its last execve. -ENOENT or -ESRCH: that is not
 * known, and *rec means nothing. */
int probe_former(const struct probe *p, struct proc_rec *rec);

/*
 * The process as of the program that it ran at a mapping stamp (0: runs now). *former: it has
 * executed another since, and what is mapped now is of that. -ENOENT or -ESRCH: it is not known.
 */
int probe_program(const struct probe *p, uint32_t tgid, uint64_t start_ns, uint64_t stamp,
		  struct proc_rec *out, bool *former);

/* Of a path of multipath TCP, which sock_diag tells of, the cookie of the socket that is open; else
 * the same. */
uint64_t probe_open_socket(const struct probe *p, uint64_t cookie);

#define PROBE_ROSTER_MAX (ABI_SIGHTINGS + ABI_CROWD)

/*
 * The descriptors at which a socket was seen; the same process may be there more than once. How
 * many, or -errno; -EAGAIN: they are more than can be kept, or not as they were at changed_ns (as
 * an answer gives it) any more.
 */
int probe_roster(const struct probe *p, uint64_t cookie, uint64_t changed_ns,
		 struct sighting out[PROBE_ROSTER_MAX]);

/* Tells of every process on record. */
void probe_each_proc(const struct probe *p,
		     void (*fn)(void *cookie, uint32_t tgid, const struct proc_rec *rec),
		     void *cookie);

/*
 * Drops the records of processes that exited before that (CLOCK_BOOTTIME, in ns), telling of each,
 * and of those whose number another has by now. It takes time by how many have ended, not by how
 * many there are.
 */
void probe_reap(struct probe *p, uint64_t before_ns,
		void (*fn)(void *cookie, uint32_t tgid, uint64_t start_ns), void *cookie);

/* Reads the descriptors of one process (tgid > 0) or of all (0) into the socket records; processes
 * that have no record get one. 0 or -errno. */
int probe_scan_files(struct probe *p, uint32_t tgid);

/*
 * The executable mappings of a process, in address order; at most max. Returns how many, or
 * -errno (-ESRCH: it is gone, -E2BIG: more than max).
 */
int probe_scan_mappings(struct probe *p, uint32_t tgid, struct vma_rec *out, size_t max);

/* The executable mappings that a holder had as he sent, if a packet of that state of his was the
 * first: see struct snapshot. False: there is none, or no more. */
bool probe_snapshot(const struct probe *p, const struct note_holder *of, struct snapshot *out);

/* The identity of what a mapping of fd maps: of a file in an overlay, the layer's. Any thread. 0;
 * -ESTALE where stat(2) tells it already; else -errno. */
int probe_identify(struct probe *p, int fd, struct object_key *out);

/* Who is told of programs that start, by probe_drain_hints, before the same exec's other hint. */
void probe_on_start(struct probe *p, void (*fn)(void *cookie, const struct start_hint *h),
		    void *cookie);

/* Whether they are to be told at once, and not with the next hints. Any thread. */
void probe_want_starts(struct probe *p, bool want);

/*
 * Where the kernel tells enough without (linux 6.17), no system call is traced but pidfd_getfd(2),
 * and that only while it matters, as all processes pay for it: where a process that has a pidfd
 * holds a socket, and nothing else tells who sends.
 */

/* Begins or ends to trace it, as is needed; may take a few milliseconds. Of one thread. Returns
 * after how long it is to be called again, ns; 0: not before it begins to matter. */
uint64_t probe_watch_tend(struct probe *p);

/* Whether a scan that began then (CLOCK_BOOTTIME) says all, because it is not so, or was traced
 * already. Any thread. */
bool probe_scan_counts(const struct probe *p, uint64_t began_ns);

/* Whether any system call is traced. Any thread. */
bool probe_traces_calls(const struct probe *p);

/* Hints: a descriptor to poll, and their consumption without waiting. It is readable when something
 * is to be looked at at once; what is not may be there all the same. */
int probe_hints_fd(const struct probe *p);
void probe_drain_hints(struct probe *p, void (*fn)(void *cookie, const struct hint *h),
		       void *cookie);

/* --- The verdict cache: what fw/cache.c fills it by --- */

struct probe_cache {
	int classes; /* map; < 0: this kernel has no cache (it takes no netfilter program) */
	int cpus;
	struct cache_chain *chains;	   /* CACHE_HOOKS, shared with the programs; as are */
	struct cache_named *named;	   /* these, of each */
	const struct cache_tally *tallies; /* cpus x ABI_TALLIES */
	int deny;			   /* program: a packet was denied (struct deny_args) */
};

void probe_cache_maps(const struct probe *p, struct probe_cache *out);

#define PROBE_BPFFS   "/sys/fs/bpf"
#define PROBE_PIN_MAX 128

/*
 * Puts the programs that iptables asks under names of bpffs, in a folder that the network namespace
 * (inode number) names, in the place of what is there. 0; -EOPNOTSUPP: this kernel has no cache,
 * -ENODEV: bpffs is not mounted; else -errno. Again where it failed: nothing is done twice.
 */
int probe_cache_pin(struct probe *p, uint64_t netns);
void probe_cache_unpin(struct probe *p);

/* The folder; NULL: nothing is pinned. And the name of a program in it. */
const char *probe_cache_pins(const struct probe *p);
void probe_cache_path(const char *folder, enum cache_hook hook, enum cache_verdict v,
		      char out[PROBE_PIN_MAX]);

uint64_t probe_counter(const struct probe *p, enum probe_counter which);

/*
 * How many runs of the probes the kernel has left out. It does so while a BPF system call or
 * program of whomever is under way on that processor (trace_call_bpf() in
 * kernel/trace/bpf_trace.c), and tells the number (linux 6.7 for system call tracepoints).
 */
uint64_t probe_missed(const struct probe *p);

/* Entries in the map, by walking it: for status only. */
size_t probe_count_procs(const struct probe *p);

/* Takes away the records of sockets that are no more, and returns how many are left: may take some
 * milliseconds. */
size_t probe_reap_socks(struct probe *p);

#endif
