/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What judge.c, judge_hold.c and judge_explain.c share. */
#ifndef FW_JUDGE_PRIVATE_H
#define FW_JUDGE_PRIVATE_H

#include "decide.h"
#include "decision_cache.h"
#include "facts.h"
#include "judge.h"
#include "standstill.h"

#define DENIED_SLOTS 8192
#define FACTS_MAX    64 /* holders of one socket that are asked for what they say of themselves */

struct held; /* a packet that waits */

struct judge {
	struct probe *probe;
	struct owner *owner;
	struct processes *processes;
	struct scripts *scripts;
	struct reject *reject;
	struct stats *stats;
	struct ruleset *rules;
	struct decision_cache *decisions;
	struct inspect *inspect; /* NULL: nobody looks at payload */
	struct learn *learn;	 /* NULL: nothing is learned */
	enum mode mode;
	bool needs_objects[CHAIN_COUNT], needs_scripts[CHAIN_COUNT], needs_facts[CHAIN_COUNT],
		needs_groups[CHAIN_COUNT];
	char cgroups[FACTS_MAX][FACTS_CGROUPS_MAX]; /* of the holders that are being judged */
	struct held *held, **held_last;		    /* oldest first */
	size_t n_held, held_bytes;
	struct standstill standstill;
	struct loop_timer *retry;
	/* Cookies of sockets whose last verdict in the chain was to drop. */
	uint64_t denied[CHAIN_COUNT][DENIED_SLOTS];
	struct events *events;
	struct tally *tally;
	struct cache *cache;
};

/* Fills in the holders' sets, and scripts if asked for. -EAGAIN: not all are known yet. */
int judge_resolve_objects(struct judge *j, const struct attribution *who, bool scripts, bool final,
			  struct holders *out);
/* After the objects: these may have to wait, and what a process is now is what counts. */
void judge_resolve_facts(struct judge *j, bool groups, struct holders *holders);

/* 0 and a verdict, or -EAGAIN; never that if it is final. *ticks: clock_ticks() as it began; when
 * there is a verdict, as it came. */
int judge_attributed(struct judge *j, enum chain chain, const struct queue_packet *p,
		     const struct attribution *who, bool final, uint64_t *ticks,
		     struct ruling *ruling);

/* 0 or -ENOMEM. */
int judge_begin_holding(struct judge *j, struct loop *loop);
/* All that are held get their verdict. */
void judge_end_holding(struct judge *j);

/* Takes who over, and copies the packet. unattributed: who it is has still to be found out.
 * -ENOMEM: it cannot be held, and has to get the verdict of what is known now. */
int judge_hold(struct judge *j, struct queue *q, const struct queue_packet *p,
	       const struct attribution *who, bool unattributed);

#endif
