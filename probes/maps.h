/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The state that the probes keep. Every map is a cache of the truth in the kernel's own structures:
 * what is lost from one costs the daemon a scan, never a wrong answer.
 */
#ifndef PROBES_MAPS_H
#define PROBES_MAPS_H

#include "kernel.h"
#include "object.h"
#include "common/cache_abi.h"
#include "common/probe_abi.h"
#include "common/sock_abi.h"

struct map_socks {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ABI_SOCKS);
	__type(key, __u64);
	__type(value, struct sock_rec);
};

struct map_sock_places {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ABI_PLACES);
	__type(key, __u32);
	__type(value, struct sock_place);
};

struct map_crowds {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ABI_CROWDS);
	__type(key, __u64);
	__type(value, struct crowd);
};

struct map_procs {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ABI_PROCS);
	__type(key, __u32);
	__type(value, struct proc_rec);
};

/* Where a scan makes the record of a process ready. Key: the iterator's session, which is never the
 * same again. */
struct map_scan_drafts {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 64);
	__type(key, __u64);
	__type(value, struct proc_rec);
};

/* How far a scan has come in the descriptors of the task that it is at. Key: as above. */
struct scan {
	__u32 pid;
	__u32 word; /* the next one: see scan.bpf.c */
};

struct map_scans {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 64);
	__type(key, __u64);
	__type(value, struct scan);
};

struct map_ghosts {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, ABI_GHOSTS);
	__type(key, __u64);
	__type(value, struct proc_rec);
};

struct map_former {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ABI_FORMER);
	__type(key, __u64);
	__type(value, struct proc_rec);
};

struct map_exits {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, ABI_EXITS);
	__type(value, struct exited);
};

/* Where a socket may listen: a port, over IPv4 or IPv6, TCP alone. */
struct port {
	__u64 netns; /* cookie */
	__u64 number;
};

struct listeners {
	__u64 cookie[ABI_LISTENERS]; /* 0: none */
	__u64 next;		     /* whose turn it is to be written over, modulo ABI_LISTENERS */
};

struct map_ports {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, ABI_PORTS);
	__type(key, struct port);
	__type(value, struct listeners);
};

struct map_paths {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, ABI_PATHS);
	__type(key, __u64);
	__type(value, __u64);
};

/* For sockets that have no record because the map is full: one at a time and CPU. */
struct scratch {
	__u64 busy;
	struct sock_rec rec;
};

struct map_scratch {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ABI_CPUS);
	__type(key, __u32);
	__type(value, struct scratch);
};

/* Where a note is written first: it may not be needed. ABI_NOTE_DRAFTS a CPU. */
struct note_draft {
	__u64 busy;
	struct note note;
};

struct map_note_drafts {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ABI_CPUS *ABI_NOTE_DRAFTS);
	__type(key, __u32);
	__type(value, struct note_draft);
};

/* A packet that is the only one of its note, and which note that is. */
struct noted {
	__u64 busy; /* somebody is writing this, or reading it */
	__u64 skb;  /* kernel address; 0: none */
	__u64 turn; /* of the note */
	__u32 at;   /* its place; and before it, where it is found */
	__u32 at_before;
	__u16 tag_before;
	__u16 abroad; /* it passed in another network namespace than the daemon's */
	__u32 set;
	__u32 next; /* note_set's, as it was for this note */
};

/* The packet that each processor noted last. */
struct map_noted {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct noted);
};

/* Cookie of the socket whose packet, in that hook, was the last on this processor to meet the
 * verdict of a class. */
struct map_last_met {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CACHE_HOOKS);
	__type(key, __u32);
	__type(value, __u64);
};

/* Where a process record is written before others may see it. */
struct map_draft {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct proc_rec);
};

/* Where the program that execs looks at what it maps: one at a time and CPU. Not on the stack,
 * where the verifier would follow each value of it. */
struct map_views {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct view);
};

/* Of the next three the numbers of entries are set as they are loaded. */
struct map_note_sets {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct note_set);
};

struct map_notes {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct note_head);
};

struct map_note_rests {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct note_rest);
};

struct map_note_mixed {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct note_mixed);
};

/* The last turns of a processor's notes, and of their rests. */
struct note_turns {
	__u64 head, rest;
};

struct map_note_turns {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct note_turns);
};

struct map_proof {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct proof);
};

struct map_hints {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, ABI_HINTS_SIZE);
};

struct map_wishes {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct wishes);
};

struct map_callers {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ABI_CALLERS);
	__type(key, __u32);
	__type(value, __u8);
};

#define TREE_WORDS 32

/* A node of a tree of mappings, while it is read: see vma_tree.h. One word more than it has. */
struct tree_node {
	__u64 word[TREE_WORDS];
};

struct map_tree_nodes {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tree_node);
};

struct map_snapshots {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct snapshots);
};

/* Which objects were hinted at lately, CLOCK_BOOTTIME. */
struct map_hinted {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, ABI_HINTED);
	__type(key, struct object_key);
	__type(value, __u64);
};

struct map_counters {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PCOUNT_COUNT);
	__type(key, __u32);
	__type(value, __u64);
};

struct map_global {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct global_rec);
};

struct map_gens {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ABI_GENS);
	__type(key, __u32);
	__type(value, __u32);
};

/* What is mmapable begins with a line of the processor's caches. */
struct map_memos {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, ABI_MEMOS);
	__type(key, __u32);
	__type(value, struct memo);
};

struct map_classes {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, ABI_CLASSES);
	__type(key, struct cache_key);
	__type(value, struct cache_class);
};

struct map_tickets {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CACHE_HOOKS *ABI_CPUS *ABI_TICKETS);
	__type(key, __u32);
	__type(value, struct cache_ticket);
};

struct map_chains {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, CACHE_HOOKS);
	__type(key, __u32);
	__type(value, struct cache_chain);
};

struct map_named {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, CACHE_HOOKS);
	__type(key, __u32);
	__type(value, struct cache_named);
};

/* Each processor has its own, in a row. */
struct map_tallies {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, ABI_CPUS *ABI_TALLIES);
	__type(key, __u32);
	__type(value, struct cache_tally);
};

/* socket cookie -> who was seen to hold it; socks: those whose place is another's */
extern struct map_sock_places sock_places SEC(".maps");
extern struct map_socks socks SEC(".maps");
extern struct map_crowds crowds SEC(".maps"); /* socket cookie -> those who do not fit */
extern struct map_procs procs SEC(".maps");   /* tgid -> generations */
extern struct map_ghosts ghosts SEC(".maps"); /* start -> process whose number another has now */
/* stamp of an execve -> the process before it, as far as its packets may still be judged */
extern struct map_former former SEC(".maps");
extern struct map_exits exits SEC(".maps"); /* those in procs that have ended, the first first */
extern struct map_ports ports SEC(".maps"); /* port -> who listens there */
extern struct map_paths paths SEC(".maps"); /* mptcp.h: path -> what is open; cookies */
extern struct map_scratch scratches SEC(".maps");
extern struct map_draft drafts SEC(".maps");
extern struct map_scan_drafts scan_drafts SEC(".maps");
extern struct map_scans scans SEC(".maps");
extern struct map_views views SEC(".maps");
extern struct map_note_drafts note_drafts SEC(".maps");
extern struct map_note_sets note_sets SEC(".maps"); /* fingerprint -> where its notes are */
extern struct map_notes notes SEC(".maps");	    /* rings, one a processor, as the next */
extern struct map_note_rests note_rests SEC(".maps");
extern struct map_note_mixed note_mixed SEC(".maps");
extern struct map_note_turns note_turns SEC(".maps");
extern struct map_noted last_noted SEC(".maps");
extern struct map_proof proof_out SEC(".maps");
extern struct map_hints hints SEC(".maps");
extern struct map_wishes wishes SEC(".maps");
extern struct map_tree_nodes tree_nodes SEC(".maps");
extern struct map_snapshots snapshots SEC(".maps");
extern struct map_callers callers SEC(".maps"); /* threads in mapping calls; see caller_add() */
extern struct map_hinted hinted SEC(".maps");
extern struct map_counters counters SEC(".maps");
extern struct map_global global SEC(".maps");
extern struct map_gens gens SEC(".maps");	/* tgid -> how often the process may have changed */
extern struct map_memos memos SEC(".maps");	/* socket cookie -> what was found of it */
extern struct map_classes classes SEC(".maps"); /* what the daemon has judged */
extern struct map_last_met last_met SEC(".maps");
extern struct map_tickets tickets SEC(".maps");
extern struct map_chains chains SEC(".maps");
extern struct map_named named_by SEC(".maps"); /* by the rules of each chain */
extern struct map_tallies tallies SEC(".maps");

static __always_inline void count(__u32 which)
{
	__u64 *n = bpf_map_lookup_elem(&counters, &which);

	if (n)
		(*n)++;
}

/* Flags of a process: its threads, and who looks at it, may change them at the same time. */
static __always_inline void proc_mark(struct proc_rec *rec, __u32 flags)
{
	__sync_fetch_and_or(&rec->flags, flags);
}

static __always_inline void proc_unmark(struct proc_rec *rec, __u32 flags)
{
	__sync_fetch_and_and(&rec->flags, ~flags);
}

/*
 * A process's holders, mappings or descriptors may be others from here on: its mappings change, it
 * forks, executes, ends, or gives descriptors away. Processes that share a place only cost each
 * other a miss.
 */
static __always_inline void gen_move(__u32 tgid)
{
	__u32 place = tgid & (ABI_GENS - 1);
	__u32 *gen = bpf_map_lookup_elem(&gens, &place);

	if (gen)
		__sync_fetch_and_add(gen, 1);
}

static __always_inline __u32 gen_of(__u32 tgid)
{
	__u32 place = tgid & (ABI_GENS - 1);
	const volatile __u32 *gen = bpf_map_lookup_elem(&gens, &place);

	return gen ? *gen : 0;
}

static __always_inline struct memo *memo_of(__u64 cookie)
{
	__u32 place = abi_place_of(cookie);

	return bpf_map_lookup_elem(&memos, &place);
}

static __always_inline struct global_rec *global_state(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&global, &zero);
}

/* What lies at a note's place; NULL: it is no place. */
static __always_inline struct note_head *head_at(__u32 at)
{
	const struct global_rec *g = global_state();
	__u32 index = g ? abi_note_index(at, g->ring_bits) : 0;

	return bpf_map_lookup_elem(&notes, &index);
}

#define WATCH_LOOK_NS 1000000

/* Whether each call of pidfd_getfd since then is known of. */
static __always_inline bool is_watched_since(const struct watch *w, __u64 since)
{
	return w->since_ns && w->since_ns < since;
}

/* Such calls matter: they are to be traced, which all system calls pay for. */
static __always_inline void want_watch(struct watch *w)
{
	w->used_ns = bpf_ktime_get_boot_ns();
	if (!w->since_ns)
		w->asked = 1; /* prove_socket() tells the daemon */
}

/* Whether it is time to find out if they still do. */
static __always_inline bool is_time_to_look(struct watch *w)
{
	__u64 now = bpf_ktime_get_boot_ns();

	if (now - w->look_ns < WATCH_LOOK_NS)
		return false;
	w->look_ns = now;
	return true;
}

#endif
