/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way of a packet: attribute, resolve the holders' objects, decide. A packet whose holders'
 * objects are not known yet is held, and judged when they are; no other packet waits for it.
 */
#ifndef FW_JUDGE_H
#define FW_JUDGE_H

#include <jansson.h>
#include <stddef.h>

#include "cache.h"
#include "common/mode.h"
#include "events.h"
#include "inspect.h"
#include "learn.h"
#include "loop.h"
#include "owner.h"
#include "probe.h"
#include "process.h"
#include "queue.h"
#include "reject.h"
#include "ruleset.h"
#include "script.h"
#include "tally.h"

#define JUDGE_HOLD_NS 2000000000ull /* longest that a packet is held */

struct judge;

/* All arguments outlive it; it takes its own reference on rules. 0 or -errno. */
int judge_new(struct loop *loop, struct probe *probe, struct owner *owner,
	      struct processes *processes, struct scripts *scripts, struct reject *reject,
	      struct stats *stats, struct events *events, struct tally *tally, struct cache *cache,
	      struct ruleset *rules, enum mode mode, struct judge **out);
void judge_free(struct judge *j); /* before the queues are closed: held packets get their verdict */

/* Takes the hints that the probes have left. */
void judge_catch_up(struct judge *j);

/* For queue_open; the cookie is the judge. Before a burst: what the kernel did before its packets
 * is learnt before they are judged. */
void judge_before(void *judge, struct queue *q);
int judge_packet(void *judge, struct queue *q, const struct queue_packet *p, uint64_t *ticks,
		 struct ruling *ruling);

/* Puts another rule set in force for all packets judged from now on. Returns the one before: the
 * caller has its reference. */
struct ruleset *judge_set_rules(struct judge *j, struct ruleset *rules);

/* The same for the mode. */
void judge_set_mode(struct judge *j, enum mode mode);

/* What is judged from now on is learned there; NULL: it is not. */
void judge_set_learn(struct judge *j, struct learn *learn);

/* What is known may not hold any more: no verdict that the kernel has is met again. */
void judge_revoke(struct judge *j);
/* What the rules let pass goes through there too; it outlives the judge, and is asked at once
 * whether it is on: to be called again when that has changed. */
void judge_set_inspect(struct judge *j, struct inspect *inspect);

/* Objects have settled: judge what was held for them. The cookie is the judge. */
void judge_retry(void *judge);

/* What processes_report() says of a process, with "script": what scripts_report() says of it. */
int judge_report(struct judge *j, uint32_t pid, bool final, json_t **out);

/*
 * What explain() says of a packet between process `pid` and the peer that `p` describes, with
 * "inspected": what explain_signatures() says if the rules let it pass and signatures are in force,
 * else null; and "holders": what judge_report() says of each. If the process has a socket with that
 * peer, its holders answer for it, else the process alone. -ESRCH: no such process; -EAGAIN:
 * digests are being computed.
 */
int judge_explain(struct judge *j, uint32_t pid, enum chain chain, const struct packet *p,
		  bool final, json_t **out);

size_t judge_held(const struct judge *j);

#endif
