/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a verdict in the kernel's cache rests on (common/cache_abi.h): which fields of a packet the
 * rules of a chain look at, and the key of a class. Pure.
 */
#ifndef FW_CACHE_KEY_H
#define FW_CACHE_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cache_abi.h"
#include "common/probe_abi.h"
#include "packet.h"
#include "rule_chain.h"

/*
 * The fields (enum cache_field) that tell packets of one identity apart, for these rules. False:
 * the chain has a rule that asks what a process can change of itself without a probe noticing (user
 * and group, name, cgroup), or a script; its verdicts are not kept. *mask is untouched then.
 */
bool cache_key_mask(const struct rule_chain *c, uint8_t *mask);

/* Marks the ports and addresses that its rules name; those of rules that have gone may be marked
 * too. */
void cache_key_named(const struct rule_chain *c, struct cache_named *n);

/* The hook of enum cache_hook that has such packets of the chain; false: none does. */
bool cache_key_hook(enum chain chain, uint8_t nf_hook, enum cache_hook *out);

/*
 * The key by which the kernel finds the class of this packet of that socket, held by these; NULL
 * and 0: of kernel origin. named: by the rules of the chain. False where it never looks for such:
 * other protocols, fragments, headers with options, holders that are many or changing.
 */
bool cache_key_make(enum cache_hook hook, uint8_t mask, const struct cache_named *named,
		    uint64_t netns, uint64_t cookie, const struct packet *p,
		    const struct note_holder *holders, size_t n, struct cache_key *out);

#endif
