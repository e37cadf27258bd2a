/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The payload of packets that the rules let pass: fragments are put together, TCP is followed as
 * its receiver will read it, and signatures look at what comes of that. On the data thread; no I/O.
 *
 * A packet that a signature stops condemns its connection: nothing that belongs to it passes any
 * more, so the byte that completed the match never arrives, however often it is sent.
 *
 * Where all signatures only alert, no packet is stopped, whatever its stream is like.
 */
#ifndef FW_INSPECT_H
#define FW_INSPECT_H

#include <jansson.h>

#include "common/chain.h"
#include "holder.h"
#include "queue.h"
#include "ruleset.h"
#include "sig_set.h"
#include "stream.h"

#define INSPECT_HITS_MAX 8 /* that one packet is told of; all are counted */

struct inspect;

/* Why a packet is not to pass. */
enum inspect_cause {
	INSPECT_CLEAN,
	INSPECT_SIGNATURE, /* see hits */
	INSPECT_CONDEMNED, /* its connection was stopped before */
	INSPECT_CONFLICT,  /* it contradicts what was seen: the connection is stopped */
	INSPECT_OUTSIDE,   /* no receiver would take it: sequence number, flags, checksum */
	INSPECT_FRAGMENT,  /* of fragments that contradict each other */
	INSPECT_LIMIT,	   /* it could not be looked at: by the fail mode, or it will be repeated */
	INSPECT_CAUSES,
};

struct inspect_hit {
	struct sig_rule *rule; /* of the set; valid until the next inspect_ call */
	size_t holder;	       /* who met it; 0 where it is not limited to objects */
};

struct inspection {
	enum verdict verdict; /* ACCEPT, DROP or REJECT */
	enum inspect_cause cause;
	size_t n_hits;
	struct inspect_hit hits[INSPECT_HITS_MAX];
	bool wants; /* later packets of this flow must be shown too: no verdict on this one may
		       stand for them */
};

/* A packet that is about to pass; all pointers are valid during the call only. */
struct inspect_about {
	enum chain chain;
	const struct queue_packet *packet;
	const struct holders *holders;
	const struct ruleset *rules; /* whose named sets app_set means */
	uint64_t now_ns;	     /* monotonic */
	bool enforced;		     /* what is said will be done: else nothing is condemned */
};

/* stats outlives it. closed: packets of that chain which cannot be looked at are dropped, else they
 * pass. 0, -errno. */
int inspect_new(const struct stream_limits *limits, const bool closed[CHAIN_COUNT],
		struct stats *stats, struct inspect **out);
void inspect_free(struct inspect *in); /* NULL is fine */

/* The set in force, or NULL. */
struct sig_set *inspect_set(const struct inspect *in);

/* Whether a set is in force: then it needs to see whole packets, and objects by their digests. */
static inline bool inspect_is_on(const struct inspect *in)
{
	return in && inspect_set(in);
}

/* Another set is in force; NULL: none, and all connections are forgotten. Takes its own reference.
 */
void inspect_use(struct inspect *in, struct sig_set *set);

void inspect_packet(struct inspect *in, const struct inspect_about *about, struct inspection *out);

/* Forgets idle connections; to be called now and then. */
void inspect_expire(struct inspect *in, uint64_t now_ns);

/* What a signature does to the packet that meets it. */
enum verdict inspect_verdict(const struct sig_rule *rule);

/* "stream" "condemned" …; never NULL. */
const char *inspect_cause_name(enum inspect_cause c);

/* Its sizes, as docs/ctl-fw.8 has them; NULL: no memory. What it counts is in stats. */
json_t *inspect_report(const struct inspect *in);

#endif
