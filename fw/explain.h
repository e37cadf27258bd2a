/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tells why a packet would get the verdict that it would get: the patches, then the rules of its
 * chain top to bottom, up to the one that decides, and for each the criterion that did not hold.
 * Pure.
 */
#ifndef FW_EXPLAIN_H
#define FW_EXPLAIN_H

#include <jansson.h>

#include "decide.h"

#define EXPLAIN_STEPS_MAX 1000 /* rules told of; the verdict is by all of them */

/*
 * {"verdict", "chain", "origin", "packet", "rule": N or null, "patch": its id or null, "text": the
 * rule or patch that decides, "why": one sentence, "steps": [{"index" or "patch", "rule": its text,
 * "matches", "why"}]}. A new reference, or NULL.
 */
json_t *explain(const struct ruleset *rs, enum chain chain, const struct packet *p,
		const struct holders *holders);

/*
 * A packet as described by the criteria of a rule: each address must be one host, each port one
 * port, and nothing may be negated. 0; -EINVAL with *what naming the criterion that is not so.
 */
int explain_packet(const struct rule *described, struct packet *out, const char **what);

#endif
