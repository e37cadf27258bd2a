/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of the running daemon. Built by main, handed down; there are no globals.
 *
 * Two threads: the data thread runs `loop` and everything that packets touch; the control thread
 * runs its own loop with the control server, builds rule sets and waits for disks. The control
 * thread reaches the data thread's parts only through `mailbox`, and the thread of the metrics both
 * threads' only through their mailboxes. Where a chain has several queues there are more data
 * threads (data_threads.h): what is said to be the data thread's is whosever turn it is.
 */
#ifndef FW_DAEMON_H
#define FW_DAEMON_H

#include <pthread.h>

#include "cache.h"
#include "clock.h"
#include "control.h"
#include "data_threads.h"
#include "event_log.h"
#include "event_output.h"
#include "events.h"
#include "health.h"
#include "inspect.h"
#include "judge.h"
#include "learn.h"
#include "loop.h"
#include "mailbox.h"
#include "metrics.h"
#include "object.h"
#include "options.h"
#include "owner.h"
#include "probe.h"
#include "process.h"
#include "queue.h"
#include "reject.h"
#include "ruleset.h"
#include "script.h"
#include "sig_list.h"
#include "stats.h"
#include "store.h"
#include "tally.h"
#include "trial.h"

#define QUEUES_MAX (CHAIN_COUNT * DATA_THREADS_MAX)

struct daemon {
	struct options options;
	struct clock_instant began;
	struct clock_info clock;
	uint64_t started_ns; /* CLOCK_BOOTTIME */
	uint64_t netns;	     /* inode number of our network namespace */

	/* The data thread's. */
	struct loop *loop;
	struct data_threads *threads;
	struct stats stats; /* single words are read by the control thread */
	struct probe *probe;
	struct objects *objects;
	struct processes *processes;
	struct scripts *scripts;
	struct scanner *scanner;
	struct health *health;
	struct owner *owner;
	struct portless *portless;
	struct reject *reject;
	struct events *events;
	struct tally *tally;
	struct cache *cache;
	struct inspect *inspect;
	struct judge *judge;
	struct queue *queues[QUEUES_MAX];
	size_t n_queues;
	uint32_t copy_bytes; /* of each packet, while nobody looks at its payload */
	struct mailbox *mailbox;
	struct loop_timer *tick;

	/* Any thread's. */
	struct event_log *event_log;
	struct event_output *event_output;

	/* The control thread's. */
	struct sig_list signatures; /* what is in force of those that were loaded */
	char *signatures_file;	    /* where the last ones came from; NULL: none did */
	uint64_t signatures_s;	    /* when, CLOCK_REALTIME */
	struct sig_rule **patches;  /* and of patches */
	size_t n_patches;
	struct ruleset *rules;	 /* what is in force */
	struct store_tail saved; /* of the file they are saved in */
	enum mode mode;		 /* the same */
	struct trial trial;	 /* what waits to be confirmed */
	struct learn *learn;	 /* what was learned; NULL: nothing ever. While learning, the data
				    thread   adds to it */
	bool learning;
	struct loop_timer *expiry;   /* of the next digest or rule that is dated */
	struct loop_timer *indexing; /* of rule sets that have changed */
	struct loop_timer *rollback;
	struct patch_watch *patch_watch; /* lifts patches */
	struct loop *control_loop;
	struct mailbox *control_mailbox;
	struct control *control;
	pthread_t control_thread;
	bool control_running;
	int signal_fd;
	pthread_t stopper;
	bool stopping;

	/* With a thread of its own, which reaches the others' parts only through the mailboxes. */
	struct metrics *metrics;
};

#endif
