/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the edge to the probes share: probe_load.c loads what the kernel takes, probe.c
 * attaches, probe_notes.c reads what was noted of packets, probe_snapshot.c what of their senders,
 * probe_watch.c traces pidfd_getfd(2), probe_records.c reads the maps, probe_scan.c has the kernel
 * look anew. */
#ifndef FW_PROBE_PRIVATE_H
#define FW_PROBE_PRIVATE_H

#include "note_table.h"
#include "probe.h"

/* include/uapi/linux/bpf.h of linux 6.4; libbpf 1.1 and its headers do not have them. */
#define PROG_TYPE_NETFILTER   32
#define ATTACH_TYPE_NETFILTER 45

/* Of these one is loaded, the first that the kernel takes. */
#define NOTE_PROGRAM	    "note_packet" /* linux 6.4: attached in each namespace */
#define NOTE_QUEUED_PROGRAM "note_queued" /* in our own namespace alone */
#define LINKS_MAX	    40

struct probe {
	struct bpf_object *object;
	struct bpf_link *links[LINKS_MAX];
	size_t n_links;
	/* From the start on calls are traced that map, or by which a process comes to hold a
	 * socket. */
	bool calls_map, calls_give;
	struct {
		bool wanted;	   /* atomic, as the next: see probe_watch_tend() */
		uint64_t since_ns; /* from when on; 0: not yet */
		bool at_start;	   /* since then, and it has not mattered */
		struct bpf_link *link;
	} watch;
	enum note_source note_source;
	int note_error; /* errno: why it is nobody, of a kernel that has the program; else 0 */
	struct probe_notes *notes_here; /* NULL unless by NOTE_BY_NETFILTER */
	struct ring_buffer *ring;
	struct note_table notes;
	const struct proof *proof;  /* 1 */
	struct wishes *wishes;	    /* 1; ours to write */
	struct cache_chain *chains; /* CACHE_HOOKS; ours to write */
	struct cache_named *named;  /* the same */
	const struct cache_tally *tallies;
	const struct snapshots *snapshots;
	int classes;
	char pins[PROBE_PIN_MAX - 16]; /* folder of what is pinned; "": nothing is */
	int sock_places, socks, paths, crowds, procs, ghosts, former, exits, counters, hints,
		global;
	uint64_t reaped_ns; /* until when processes had ended whose records all are taken away */
	struct bpf_program *scan_files, *scan_tables, *scan_tasks, *scan_mappings;
	int prove, deny, reap, watch_calls, accept_queue;
	int cpus;
	void (*hint_fn)(void *cookie, const struct hint *h);
	void *hint_cookie;
	void (*start_fn)(void *cookie, const struct start_hint *h);
	void *start_cookie;
};

/* Opens and loads the object at a path (NULL: the built-in), with the programs that this kernel
 * takes, and as many notes as p->notes says; sets p->calls_map and _give. What an old one
 * refuses is a program: of a type or at a place that it does not have. 0 or -errno. */
int probe_load(struct probe *p, const char *path);

/* Whether it is the one that is attached only when it is needed. */
bool probe_watch_has(const struct bpf_program *prog);

/* pidfd_getfd(2) is traced from the start on: before the first scan. 0 or -errno. */
int probe_watch_start(struct probe *p);
void probe_watch_stop(struct probe *p);

/* The kernel's side needs to know of pidfd_getfd(2) from now on. */
void probe_watch_wanted(struct probe *p);

#endif
