/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stage timings as log-linear histograms, and event counters. Plain memory, no I/O. */
#ifndef FW_STATS_H
#define FW_STATS_H

#include <stdint.h>

/* The stages of a packet's way through the daemon, in order. Timed per packet except where said. */
enum stage {
	STAGE_RECEIVE,	 /* one receive call, divided by the packets it brought */
	STAGE_ATTRIBUTE, /* from when the one before is decided: packet -> socket -> holders ->
			    mapped sets */
	STAGE_HASH,	 /* one object's digest; off the loop */
	STAGE_DECIDE,	 /* the rules */
	STAGE_VERDICT,	 /* one send call, divided by the packets it covered */
	STAGE_COUNT,
};

const char *stage_name(enum stage s);

/*
 * Buckets: values below 2^HIST_SUB_BITS each have their own; above, each power of two is split into
 * 2^HIST_SUB_BITS equal parts, so a percentile is at most 1/16 above the true value.
 */
#define HIST_SUB_BITS 4
#define HIST_BUCKETS  ((64 - HIST_SUB_BITS + 1) << HIST_SUB_BITS)

struct histogram {
	uint64_t count, sum, max;
	uint64_t bucket[HIST_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t value, uint64_t times);

/* The upper bound of the bucket that holds the value of rank ceil(permille/1000 * count); never
 * more than max; 0 when empty. */
uint64_t histogram_permille(const struct histogram *h, unsigned int permille);

/* How many values are at most `value`. A bucket counts when all that it can hold is: those in the
 * bucket that `value` itself falls into are left out, unless they are known by max. */
uint64_t histogram_at_most(const struct histogram *h, uint64_t value);

/* Every counter has a row in stats.c with its name and help text; they only grow. */
enum counter {
	COUNT_QUEUED,	    /* packets read from a queue */
	COUNT_ACCEPTED,	    /* verdicts sent: NF_ACCEPT */
	COUNT_DROPPED,	    /* verdicts sent: NF_DROP */
	COUNT_REJECTED,	    /* the same, and the sender told */
	COUNT_MARKED,	    /* verdicts sent: NF_ACCEPT with a mark */
	COUNT_KILLED,	    /* verdicts sent: NF_DROP, of a KILL rule */
	COUNT_HELD,	    /* packets that had to wait for a digest or a mapping call in flight */
	COUNT_HELD_EXPIRED, /* of these, judged incomplete because the wait was over */
	COUNT_KNOWN,	    /* packets by origin */
	COUNT_KERNEL,
	COUNT_UNKNOWN,
	COUNT_WOULD_DROP,	 /* packets that passed, but for a mode or rule that only logs */
	COUNT_UNTOLD,		 /* rejected packets whose sender could not be told */
	COUNT_ENDED,		 /* processes that KILL rules have ended */
	COUNT_MALFORMED,	 /* packets whose headers contradict themselves or are cut short */
	COUNT_FRAGMENT,		 /* later fragments */
	COUNT_NOTE_HIT,		 /* packets attributed by the kernel's note alone */
	COUNT_SOCK_LOOKUP,	 /* sock_diag queries */
	COUNT_RESCAN,		 /* scans of every process's descriptors */
	COUNT_SCAN_MAPS,	 /* scans of one process's mappings */
	COUNT_MAPS_CUT,		 /* of them, that did not look at all */
	COUNT_MAPS_TOLD,	 /* of those that were told of as a packet was sent: no scan */
	COUNT_HASHED,		 /* objects hashed */
	COUNT_VERITY_KNOWN,	 /* objects that had the verity digest of one that was */
	COUNT_HASH_FAILED,	 /* objects that could not be hashed */
	COUNT_HASH_STALLED,	 /* objects whose file stood still while it was opened or read */
	COUNT_SCRIPT_LOOKED,	 /* times that a script was looked for */
	COUNT_SCRIPT_HASHED,	 /* scripts hashed */
	COUNT_INSPECTED,	 /* packets whose payload signatures may look at */
	COUNT_INSPECTED_BYTES,	 /* bytes that they have looked at */
	COUNT_SIGNATURE_HIT,	 /* signatures that fired */
	COUNT_SIGNATURE_STOPPED, /* packets that they stopped, with the rest of their connections */
	COUNT_STREAM_CONFLICT,	 /* connections stopped for bytes that contradict others */
	COUNT_STREAM_OUTSIDE,	 /* segments that no receiver takes */
	COUNT_STREAM_EVICTED,	 /* connections forgotten for want of room */
	COUNT_STREAM_TLS,	 /* connections that are TLS: not inspectable */
	COUNT_FRAGMENT_BAD,	 /* fragments that contradict others */
	COUNT_HTTP_ODD,	      /* connections with requests that can be read in more than one way */
	COUNT_NOT_INSPECTED,  /* packets that could not be looked at: see --inspect-fail */
	COUNT_QUEUE_OVERFLOW, /* ENOBUFS on a queue's socket: the kernel lost messages */
	COUNT_QUEUE_DROPPED,  /* packets the kernel dropped because a queue was full */
	COUNT_QUEUE_USER_DROPPED, /* packets the kernel could not deliver to us */
	COUNT_QUEUE_UNREAD,	  /* looks at what it says of a queue that failed */
	COUNT_VERDICT_FAILED,	  /* verdict messages the kernel refused */
	COUNT_CACHE_ACCEPTED,	  /* packets that passed in the kernel, and were not queued */
	COUNT_CACHE_ACCEPTED_BYTES,
	COUNT_CACHE_DROPPED, /* packets that were dropped there */
	COUNT_CACHE_DROPPED_BYTES,
	COUNT_CLIENT_REFUSED, /* control clients closed for breaking the protocol */
	COUNT_COUNT,
};

const char *counter_name(enum counter c);
const char *counter_help(enum counter c);

struct stats {
	struct histogram stage[STAGE_COUNT]; /* in ticks */
	uint64_t counter[COUNT_COUNT];
};

#endif
