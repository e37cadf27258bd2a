// SPDX-License-Identifier: GPL-2.0-or-later
#include "rule_key.h"

#include "set.h"

_Static_assert(RULE_KEYS_MAX >= SET_ITEMS_MAX, "every member of a set has a key");

uint64_t rule_key_of_comm(const char *comm)
{
	uint64_t words[2] = {0};

	_Static_assert(RULE_COMM_MAX <= sizeof(words), "a name fits");
	memcpy(words, comm, strnlen(comm, RULE_COMM_MAX));
	return rule_key_of(KEY_COMM, 0, words[1], words[0]);
}

static uint64_t big_endian(const uint8_t *bytes, size_t n)
{
	uint64_t value = 0;

	for (size_t i = 0; i < n; i++)
		value = value << 8 | bytes[i];
	return value;
}

void rule_key_address(unsigned int family, const uint8_t *addr, uint64_t *high, uint64_t *low)
{
	*high = family == 4 ? 0 : big_endian(addr, 8);
	*low = family == 4 ? big_endian(addr, 4) : big_endian(addr + 8, 8);
}

static struct rule_key block(enum key_kind kind, unsigned int bits, uint64_t high, uint64_t low)
{
	return (struct rule_key){kind, bits, rule_key_of(kind, bits, high, low)};
}

static struct rule_key exact(enum key_kind kind, uint64_t value)
{
	return block(kind, 0, 0, value);
}

static struct rule_key digest(enum key_kind kind, const struct sha256 *digest)
{
	return (struct rule_key){kind, 0, rule_key_of_digest(kind, digest)};
}

static struct rule_key prefix(enum key_kind four, enum key_kind six, const struct cidr *c)
{
	uint64_t high, low;

	rule_key_address(c->family, c->addr, &high, &low);
	return block(c->family == 4 ? four : six, c->len, high, low);
}

/* The fewest blocks that are the range: from its start, always the largest that begins there and
 * does not go past its end. */
static size_t range(enum key_kind kind, unsigned int width, uint64_t first, uint64_t last,
		    struct rule_key out[RULE_KEYS_MAX])
{
	size_t n = 0;

	while (first <= last) {
		unsigned int size = first ? (unsigned int)__builtin_ctzll(first) : width;

		while (first + (1ull << size) - 1 > last)
			size--;
		out[n++] = block(kind, width - size, 0, first);
		first += 1ull << size;
	}
	return n;
}

static size_t members(const struct set *set, struct rule_key out[RULE_KEYS_MAX])
{
	for (size_t i = 0; i < set->n_digests; i++)
		out[i] = digest(KEY_OBJECT, &set->digests[i]);
	return set->n_digests;
}

/* No default: a new match does not compile until it is known here. */
size_t rule_keys(const struct rule *r, enum match m, struct rule_key out[RULE_KEYS_MAX])
{
	switch (m) {
	case MATCH_SRC:
		*out = prefix(KEY_SRC4, KEY_SRC6, &r->src);
		return 1;
	case MATCH_DST:
		*out = prefix(KEY_DST4, KEY_DST6, &r->dst);
		return 1;
	case MATCH_PROTO:
		*out = exact(KEY_PROTO, r->proto);
		return 1;
	case MATCH_SPORT:
		return range(KEY_SPORT, 16, r->sport.first, r->sport.last, out);
	case MATCH_DPORT:
		return range(KEY_DPORT, 16, r->dport.first, r->dport.last, out);
	case MATCH_NETNS:
		*out = exact(KEY_NETNS, r->netns);
		return 1;
	case MATCH_SNG_HASH:
		*out = digest(KEY_OBJECT, &r->sng);
		return 1;
	case MATCH_AGG_HASH:
		*out = digest(KEY_AGGREGATE, &r->agg);
		return 1;
	case MATCH_ANON_EXEC:
		*out = exact(KEY_ANONYMOUS, 0);
		return 1;
	case MATCH_SET:
		return members(r->members, out);
	case MATCH_SCRIPT:
		*out = digest(KEY_SCRIPT, &r->script);
		return 1;
	case MATCH_ORIGIN:
		*out = exact(KEY_ORIGIN, r->origin);
		return 1;
	case MATCH_UID:
		return range(KEY_UID, 32, r->uid.first, r->uid.last, out);
	case MATCH_GID:
		return range(KEY_GID, 32, r->gid.first, r->gid.last, out);
	case MATCH_COMM:
		*out = (struct rule_key){KEY_COMM, 0, rule_key_of_comm(r->comm)};
		return 1;
	case MATCH_CGROUP:
	case MATCH_CONTAINER:
	case MATCH_COUNT:
		break;
	}
	return 0;
}
