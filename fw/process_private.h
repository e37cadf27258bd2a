/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What process.c (which processes there are, and their sets), process_scan.c (what they map) and
 * process_report.c share. */
#ifndef FW_PROCESS_PRIVATE_H
#define FW_PROCESS_PRIVATE_H

#include <time.h>
#include <uthash.h>

#include "objset_pool.h"
#include "process.h"

#define PROCESS_SETS	 4    /* recent states of one process that are kept */
#define PROCESS_VMAS_MAX 8192 /* executable mappings of one process that are looked at */

/* One state of a process's executable mappings. */
struct known_set {
	uint64_t stamp, exec_pages;
	uint64_t exec_ns;
	uint64_t made_ns;
	struct objset *set; /* NULL: slot unused */
};

struct identity {
	uint32_t tgid;
	uint32_t pad;
	uint64_t start_ns;
};

struct process {
	struct identity id;
	struct known_set sets[PROCESS_SETS];
	unsigned int next_set;
	/* The last scan, kept while its digests are awaited. */
	uint64_t scan_stamp, scan_pages, scan_exec_ns;
	struct object_key *keys;
	time_t *since; /* beside keys: when it was first seen to be mapped */
	size_t n_keys;
	bool scan_complete, anonymous;
	struct object_key program; /* as of that scan; all 0: not seen */
	UT_hash_handle hh;
};

struct processes {
	struct probe *probe;
	struct objects *objects;
	struct stats *stats;
	bool retain;
	uint32_t self;
	uint64_t distrusted_ns; /* CLOCK_BOOTTIME: what was seen before may not be so */
	struct process *table;
	struct process *last; /* of the table: who was asked for last; NULL: nobody */
	struct vma_rec *vmas; /* PROCESS_VMAS_MAX: scratch for scans */
	struct objset_pool *sets;
};

/* The process, known from now on; NULL: no memory. */
struct process *process_get(struct processes *ps, uint32_t tgid, uint64_t start_ns);

/*
 * Reads the mappings of a live process: a state that no mapping call overlapped, or -EAGAIN;
 * `final`: what there is, which is not complete then. -ESRCH: it has ended, or does not run the
 * program that it ran *before, or has memory of the next already. `stamp` and `pages` are those of
 * the state that matters; pages 0: they are not known.
 */
int process_scan(struct processes *ps, struct process *p, const struct proc_rec *before,
		 uint64_t stamp, uint64_t pages, bool final);

/* Sees to it that the last scan is of the state of `h`, or as near to it as can be known. 0;
 * -EAGAIN as above, -ESRCH: nothing is known of that program. */
int process_refresh(struct processes *ps, struct process *p, const struct note_holder *h,
		    bool final);

/* There is no last scan. */
void process_forget_mappings(struct process *p);

#endif
