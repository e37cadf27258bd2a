/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rule set: the virtual patches, the rules and policy of each chain, and the named sets of
 * digests that these refer to. Immutable once published (law 8): every change builds another set;
 * readers keep the one they hold by reference.
 */
#ifndef FW_RULESET_H
#define FW_RULESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/rule.h"
#include "patch_list.h"
#include "rule_chain.h"
#include "set.h"

#define SETS_MAX 128

struct ruleset {
	unsigned int refs;
	uint64_t epoch;		   /* grows by one with each change; never reused */
	struct patch_list patches; /* they come before all rules */
	struct rule_chain chains[CHAIN_COUNT];
	enum verdict unknown[CHAIN_COUNT]; /* for packets of unknown origin that match no rule */
	enum verdict kernel[CHAIN_COUNT];  /* the same for kernel origin */
	size_t n_sets;
	struct set **sets; /* by name */
};

/* An empty set of epoch 1 with these policies. NULL with errno ENOMEM. */
struct ruleset *ruleset_new(const enum verdict policy[CHAIN_COUNT],
			    const enum verdict unknown[CHAIN_COUNT],
			    const enum verdict kernel[CHAIN_COUNT]);
struct ruleset *ruleset_ref(struct ruleset *rs);
void ruleset_unref(struct ruleset *rs); /* NULL is fine */

/*
 * Each returns a new set with one reference in *out and leaves `rs` as it was.
 * ruleset_insert: index 0..n of the rule's chain (n appends). ruleset_append: any number of rules,
 * each at the end of its chain. ruleset_delete: index 0..n-1.
 * 0; -ERANGE for an index past the end, -E2BIG past RULES_MAX, -ENOENT for a rule that names a set
 * which is not there, -ENOMEM.
 */
int ruleset_insert(const struct ruleset *rs, const struct rule *rule, size_t index,
		   struct ruleset **out);
int ruleset_append(const struct ruleset *rs, const struct rule *rules, size_t n,
		   struct ruleset **out);
int ruleset_delete(const struct ruleset *rs, enum chain chain, size_t index, struct ruleset **out);

/*
 * The same for named sets. ruleset_put_set takes a reference on the set, which comes instead of the
 * one of its name if there is one; -E2BIG past SETS_MAX. ruleset_drop_set: -ENOENT, or -EBUSY for a
 * set that a rule names. ruleset_expire: the sets as set_expire() leaves them; -EALREADY when none
 * of them changes.
 */
int ruleset_put_set(const struct ruleset *rs, struct set *set, struct ruleset **out);
int ruleset_drop_set(const struct ruleset *rs, const char *name, struct ruleset **out);
int ruleset_expire(const struct ruleset *rs, uint64_t now_ns, struct ruleset **out);

/* The same for rules and patches whose time is over: the set without them; -EALREADY when there are
 * none. */
int ruleset_expire_rules(const struct ruleset *rs, uint64_t now_s, struct ruleset **out);

/*
 * The same for patches. ruleset_add_patch: one without an id gets the next; -E2BIG past
 * PATCHES_MAX, -EEXIST for an id that is there, -ENOENT for one that names a set which is not.
 * ruleset_remove_patch: -ENOENT: there is none of that id.
 */
int ruleset_add_patch(const struct ruleset *rs, const struct patch *patch, struct ruleset **out);
int ruleset_remove_patch(const struct ruleset *rs, uint64_t id, struct ruleset **out);

/*
 * Of a set that nobody else reads yet, for many: ruleset_load_patch() for each, with what
 * ruleset_add_patch() returns, then ruleset_load_patches() once. 0 or -ENOMEM.
 * ruleset_reserve_ids: ids below `next` are never given to a patch of it, or of sets made of it.
 */
int ruleset_load_patch(struct ruleset *rs, const struct patch *patch);
int ruleset_load_patches(struct ruleset *rs);
void ruleset_reserve_ids(struct ruleset *rs, uint64_t next);

/* The same for the policy of a chain, with the verdict for packets of unknown origin; -ENOMEM. */
int ruleset_set_policy(const struct ruleset *rs, enum chain chain, enum verdict policy,
		       enum verdict unknown, struct ruleset **out);

/* The set of that name, or NULL. */
struct set *ruleset_set(const struct ruleset *rs, const char *name);

/* The first rule that names the set, by chain and index, or of a patch that does: then index is
 * that of the patch. NULL: none does. */
const struct rule *ruleset_user(const struct ruleset *rs, const char *name, size_t *index);

/* When ruleset_expire_rules() will next change something, in seconds since 1970; 0: never. */
uint64_t ruleset_next_rule_expiry(const struct ruleset *rs);

/* The same rules and policies, with indexes that are made anew where it is time for that:
 * -EALREADY where it is not. -ENOMEM. It is the same epoch: nothing is judged otherwise. */
int ruleset_make_indexes(const struct ruleset *rs, struct ruleset **out);

/* Whether a rule or patch of the chain states one of these criteria (MATCH_BITs). */
bool ruleset_asks(const struct ruleset *rs, enum chain chain, uint32_t matches);

/* How many rules all chains have; patches do not count. */
size_t ruleset_count(const struct ruleset *rs);

/* When ruleset_expire() will next change something; 0: never. */
uint64_t ruleset_next_expiry(const struct ruleset *rs);

#endif
