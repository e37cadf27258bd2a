/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cache_key.h"

#include "cache_named.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <netinet/in.h>
#include <string.h>

bool cache_key_mask(const struct rule_chain *c, uint8_t *mask)
{
	static const struct {
		enum match match;
		enum cache_field field;
	} fields[] = {
		{MATCH_SRC, CACHE_SADDR},
		{MATCH_DST, CACHE_DADDR},
		{MATCH_SPORT, CACHE_SPORT},
		{MATCH_DPORT, CACHE_DPORT},
	};
	unsigned int all = 0;

	if (rule_chain_asks(c, RULE_FACT_MATCHES | MATCH_BIT(MATCH_SCRIPT)))
		return false;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (rule_chain_asks(c, MATCH_BIT(fields[i].match)))
			all |= fields[i].field;
	*mask = (uint8_t)all;
	return true;
}

void cache_key_named(const struct rule_chain *c, struct cache_named *n)
{
	if (c->index)
		cache_named_join(n, rule_index_named(c->index));
	for (size_t i = 0; i < c->n_added; i++)
		cache_named_add(n, &c->added[i]->rule);
}

bool cache_key_hook(enum chain chain, uint8_t nf_hook, enum cache_hook *out)
{
	if (chain == CHAIN_OUTPUT && nf_hook == NF_INET_LOCAL_OUT)
		*out = CACHE_OUT;
	else if (chain == CHAIN_INPUT && nf_hook == NF_INET_LOCAL_IN)
		*out = CACHE_IN;
	else
		return false;
	return true;
}

static bool take_who(const struct note_holder *holders, size_t n, struct cache_key *key)
{
	if ((n == 0 && holders) || n > ABI_MEMO_HOLDERS)
		return false;
	key->n_who = (uint8_t)n;
	for (size_t i = 0; i < n; i++) {
		const struct note_holder *h = &holders[i];

		if (h->in_flight || !h->map_stamp)
			return false;
		cache_who_is(&key->who[i], h);
	}
	return true;
}

bool cache_key_make(enum cache_hook hook, uint8_t mask, const struct cache_named *named,
		    uint64_t netns, uint64_t cookie, const struct packet *p,
		    const struct note_holder *holders, size_t n, struct cache_key *out)
{
	const size_t bare = p->family == 4 ? 20 : 40;
	struct cache_key key;

	if ((p->family != 4 && p->family != 6) || !p->has_ports || p->later_fragment ||
	    p->malformed || p->l4_offset != bare ||
	    (p->proto != IPPROTO_TCP && p->proto != IPPROTO_UDP))
		return false;
	memset(&key, 0, sizeof(key));
	if (!take_who(holders, n, &key))
		return false;
	key.netns = netns;
	if (n && mask & CACHE_SOCKET)
		key.cookie = cookie;
	key.hook = (uint8_t)hook;
	key.tuple.proto = p->proto;
	key.tuple.family = p->family;
	key.tuple.mask = mask;
	if (mask & CACHE_SADDR)
		memcpy(&key.tuple.addr[0], p->saddr, 16);
	if (mask & CACHE_DADDR)
		memcpy(&key.tuple.addr[2], p->daddr, 16);
	if (mask & CACHE_SPORT)
		key.tuple.sport = htons(p->sport);
	if (mask & CACHE_DPORT)
		key.tuple.dport = htons(p->dport);
	cache_narrow(named, &key.tuple);
	*out = key;
	return true;
}
