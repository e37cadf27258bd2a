/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a rule can be filed under so that the packets that it may match find it: a number of 64 bits
 * for a criterion and its value. Ranges and prefixes are filed as blocks: all numbers that begin
 * with the same bits.
 *
 * Two values may have one key: who finds a rule by it still has to ask whether the rule matches.
 */
#ifndef FW_RULE_KEY_H
#define FW_RULE_KEY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/rule.h"

#define RULE_KEYS_MAX 2048 /* of one criterion: those of a set; a range of ids has 62 at most */

enum key_kind {
	KEY_OBJECT, /* of --sng-hash, and of each member of --set */
	KEY_AGGREGATE,
	KEY_SCRIPT,
	KEY_ANONYMOUS,
	KEY_SRC4,
	KEY_SRC6,
	KEY_DST4,
	KEY_DST6,
	KEY_SPORT,
	KEY_DPORT,
	KEY_UID,
	KEY_GID,
	KEY_NETNS,
	KEY_PROTO,
	KEY_ORIGIN,
	KEY_COMM,
	KEY_KINDS,
};

struct rule_key {
	enum key_kind kind;
	unsigned int bits; /* of a block: how many are fixed, from the highest; else 0 */
	uint64_t key;	   /* never 0 */
};

static inline uint64_t rule_key_mix(uint64_t x)
{
	x = (x ^ x >> 32) * 0xd6e8feb86659fd93ull;
	x = (x ^ x >> 32) * 0xd6e8feb86659fd93ull;
	return x ^ x >> 32;
}

/* Of a block: the bits past `bits` are 0 in the value. */
static inline uint64_t rule_key_of(enum key_kind kind, unsigned int bits, uint64_t high,
				   uint64_t low)
{
	const uint64_t salt = rule_key_mix((uint64_t)kind << 8 | bits | 1ull << 40);

	return rule_key_mix(low ^ (high ? rule_key_mix(high ^ salt) : salt)) | 1;
}

static inline uint64_t rule_key_of_digest(enum key_kind kind, const struct sha256 *digest)
{
	uint64_t first;

	memcpy(&first, digest->b, sizeof(first));
	return rule_key_of(kind, 0, 0, first);
}

uint64_t rule_key_of_comm(const char *comm);

/* An address as two numbers, host order; of IPv4 the low one alone. */
void rule_key_address(unsigned int family, const uint8_t *addr, uint64_t *high, uint64_t *low);

/*
 * What the rule is filed under by its criterion m, which it states and does not negate. Returns how
 * many; 0: a rule cannot be found by that one.
 */
size_t rule_keys(const struct rule *r, enum match m, struct rule_key out[RULE_KEYS_MAX]);

#endif
