// SPDX-License-Identifier: GPL-2.0-or-later
#include "cache_named.h"

#include <netinet/in.h>

/* Bits first..last. */
static void mark(__u64 *bits, uint32_t first, uint32_t last)
{
	for (uint32_t i = first; i <= last; i++) {
		if (i % 64 == 0 && last - i >= 63) {
			bits[i / 64] = ~0ull;
			i += 63;
		} else {
			bits[i / 64] |= 1ull << i % 64;
		}
	}
}

/* The first 16 bits of all addresses of a prefix. */
static void mark_prefix(__u64 *bits, const struct cidr *c)
{
	const uint32_t first = (uint32_t)c->addr[0] << 8 | c->addr[1];

	mark(bits, first, c->len < 16 ? first + (1u << (16 - c->len)) - 1 : first);
}

static void add_address(struct cache_named *n, int end, const struct cidr *c)
{
	if (c->family == 4)
		mark_prefix(n->ip4[end], c);
	else if (c->len < 32)
		mark_prefix(n->ip6_short[end], c);
	else
		mark(n->ip6[end], cache_ip6_bit(c->addr), cache_ip6_bit(c->addr));
}

static bool states(const struct rule *r, enum match m)
{
	return r->have & MATCH_BIT(m);
}

static bool negates(const struct rule *r, enum match m)
{
	return r->neg & MATCH_BIT(m);
}

/* Whether only packets with an address that the rule names can match it. */
static bool needs_address(const struct rule *r)
{
	return (states(r, MATCH_SRC) && !negates(r, MATCH_SRC)) ||
	       (states(r, MATCH_DST) && !negates(r, MATCH_DST));
}

static void add_ports(struct cache_named *n, bool udp, const struct rule *r)
{
	if (states(r, MATCH_SPORT))
		mark(n->port[udp][CACHE_SRC], r->sport.first, r->sport.last);
	if (states(r, MATCH_DPORT))
		mark(n->port[udp][CACHE_DST], r->dport.first, r->dport.last);
}

void cache_named_add(struct cache_named *n, const struct rule *r)
{
	const bool any = !states(r, MATCH_PROTO) || negates(r, MATCH_PROTO);

	if (states(r, MATCH_SRC))
		add_address(n, CACHE_SRC, &r->src);
	if (states(r, MATCH_DST))
		add_address(n, CACHE_DST, &r->dst);
	if (needs_address(r))
		return;
	if (any || r->proto == IPPROTO_TCP)
		add_ports(n, false, r);
	if (any || r->proto == IPPROTO_UDP)
		add_ports(n, true, r);
}

void cache_named_join(struct cache_named *n, const struct cache_named *more)
{
	const __u64 *from = (const __u64 *)more;
	__u64 *to = (__u64 *)n;

	for (size_t i = 0; i < sizeof(*n) / sizeof(*to); i++)
		to[i] |= from[i];
}
