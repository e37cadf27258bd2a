/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The judgement: pure, no I/O, no clock, no allocation. Which rules are looked at at all, and in
 * what order, is rule_index.h's matter: what comes out is what reading them from the first to the
 * last would give.
 *
 * Patches come before the rules of the chain. First match wins, among those that do not only log.
 * Object criteria (laws 3 and 4):
 *   - a DROP rule matches if any holder matches, an ACCEPT rule only if every holder does; here
 *     and below REJECT and KILL are as DROP is, and MARK as ACCEPT is;
 *   - a negated object criterion means "no object of this process has that digest";
 *   - a holder whose set is incomplete can satisfy a DROP rule by what is known of it (positive
 *     criterion: a known digest matches), never an ACCEPT rule by an object criterion, and a
 *     negated criterion of a DROP rule matches it unless the digest is known to be there;
 *   - anonymous executable memory is a criterion like a digest;
 *   - a script that is not known fails an ACCEPT rule, negated or not. A DROP rule matches one that
 *     was seen, and, negated, unless the script is known to be the one that it names;
 *   - user and group are those that the packet carries; where it carries none they, as the name,
 * are those of each holder: what is not known of one fails an ACCEPT rule, negated or not, and
 *     matches a DROP rule only negated;
 *   - a packet of kernel origin matches no object criterion, negated or not; one of unknown origin
 *     only that of a DROP rule, by a holder that is certain: others cannot undo that.
 * Packet criteria: a field that cannot be known of the packet (ports of a later fragment, protocol
 * behind a cut extension chain) satisfies a DROP rule and fails an ACCEPT rule, negated or not, so
 * that malformed packets get no free pass.
 * No match: the chain's policy for a known origin, the unknown or kernel verdict otherwise.
 */
#ifndef FW_DECIDE_H
#define FW_DECIDE_H

#include <stdbool.h>

#include "holder.h"
#include "packet.h"
#include "ruleset.h"

#define REASON_MONITORED_MAX 8

/* A rule that only logs (--monitor) and matches. */
struct monitored {
	const struct rule_entry *rule; /* as in struct reason */
	size_t holder;
};

struct reason {
	enum origin origin;
	const struct rule_entry *rule; /* the rule set's, or a patch's; NULL: the policy */
	size_t holder; /* of an object match: index of a holder that matched; else 0 */
	size_t n_monitored;
	struct monitored monitored[REASON_MONITORED_MAX]; /* the first of those before `rule` */
};

/* What was found of one rule. */
struct finding {
	enum match failed; /* of a rule that does not match: the criterion that says so */
	size_t holder;	   /* the holder that decided it; 0 where no object criterion did */
};

/* Whether one rule matches. *found is written in either case. */
bool decide_rule(const struct rule *r, const struct packet *p, const struct holders *holders,
		 struct finding *found);

enum verdict decide(const struct ruleset *rs, enum chain chain, const struct packet *p,
		    const struct holders *holders, struct reason *why);

#endif
