/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A packet's judgement as an event, with what the data thread knows of its holders. */
#ifndef FW_EVENT_MAKE_H
#define FW_EVENT_MAKE_H

#include "event.h"
#include "object.h"
#include "process.h"
#include "rule_chain.h"
#include "sig_rule.h"

/* What is to be told; all pointers are valid during the call only. */
struct event_about {
	enum chain chain;
	const struct packet *packet;
	const struct holders *holders;
	enum event_reason reason;
	const struct rule_chain *rules;
	const struct rule_entry *rule;	  /* REASON_BY_RULE's, of that chain; else NULL */
	const struct sig_rule *signature; /* REASON_BY_SIGNATURE's; else NULL */
	const char *cause;		  /* REASON_BY_STREAM's, static; else NULL */
	size_t holder;			  /* as in struct reason */
	enum verdict verdict;
	bool enforced;
};

/*
 * Fills in all but `seq` and the facts of holders that the judgement did not need: these stay
 * unknown.
 */
void event_make(struct processes *processes, struct objects *objects,
		const struct event_about *about, uint64_t time_ns, struct event *out);

/* Puts in the programs that have been hashed since. False: one is still being hashed. */
bool event_settle(struct objects *objects, struct event *e);

/* Facts as they are kept, with the container instead of the cgroups; unknown ones change nothing.
 */
void event_take_facts(struct event_holder *h, const struct facts *facts);

/* The digest by which the rule matches an object or a script of the holder. False: none does. */
bool event_matched(const struct rule *rule, const struct holder *h, struct sha256 *out);

/* The index of the object in the event, into which it is put if it is not there. EVENT_NO_OBJECT:
 * there is no room. A digest or a path that is not known is NULL. */
int event_add_object(struct event *e, const struct sha256 *digest, const char *path);

#endif
