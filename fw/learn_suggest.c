/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "learn_suggest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

/* What never is in one rule. */
static int group_cmp(const struct suggestion *a, const struct suggestion *b)
{
	int by = COMPARE(a->chain, b->chain);

	by = by ? by : COMPARE(a->party, b->party);
	by = by ? by : COMPARE(a->proto, b->proto);
	return by ? by : COMPARE(a->way, b->way);
}

static int ports_cmp(const struct suggestion *a, const struct suggestion *b)
{
	int by = COMPARE(a->ports.first, b->ports.first);

	return by ? by : COMPARE(a->ports.last, b->ports.last);
}

static int peer_cmp(const struct suggestion *a, const struct suggestion *b)
{
	int by = COMPARE(a->any, b->any);

	if (by || a->any)
		return by;
	by = COMPARE(a->peer.family, b->peer.family);
	by = by ? by : memcmp(a->peer.addr, b->peer.addr, sizeof(a->peer.addr));
	return by ? by : COMPARE(a->peer.len, b->peer.len);
}

/* Those that may differ by their peers next to each other. */
static int by_ports(const void *x, const void *y)
{
	int by = group_cmp(x, y);

	by = by ? by : ports_cmp(x, y);
	return by ? by : peer_cmp(x, y);
}

/* Those that may differ by their ports next to each other. */
static int by_peer(const void *x, const void *y)
{
	int by = group_cmp(x, y);

	by = by ? by : peer_cmp(x, y);
	return by ? by : ports_cmp(x, y);
}

static void cut(struct cidr *c, unsigned int len)
{
	c->len = (uint8_t)len;
	for (unsigned int bit = len; bit < 8 * sizeof(c->addr); bit++)
		c->addr[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
}

/* The two halves of one prefix. */
static bool are_siblings(const struct cidr *a, const struct cidr *b)
{
	struct cidr x = *a, y = *b;

	if (a->family != b->family || a->len != b->len || !a->len)
		return false;
	cut(&x, a->len - 1u);
	cut(&y, b->len - 1u);
	return memcmp(x.addr, y.addr, sizeof(x.addr)) == 0;
}

static void absorb(struct suggestion *s, const struct suggestion *other)
{
	s->kinds += other->kinds;
	s->packets += other->packets;
}

static bool join_same(struct suggestion *s, const struct suggestion *next)
{
	if (group_cmp(s, next) || ports_cmp(s, next) || peer_cmp(s, next))
		return false;
	absorb(s, next);
	return true;
}

/* Whether *s covers both from now on, and just these. */
static bool join_peers(struct suggestion *s, const struct suggestion *next)
{
	if (group_cmp(s, next) || ports_cmp(s, next))
		return false;
	if (peer_cmp(s, next)) {
		if (s->any || next->any || !are_siblings(&s->peer, &next->peer))
			return false;
		cut(&s->peer, s->peer.len - 1u);
	}
	absorb(s, next);
	return true;
}

static bool join_ports(struct suggestion *s, const struct suggestion *next)
{
	if (group_cmp(s, next) || peer_cmp(s, next) || s->ports.last + 1 != next->ports.first)
		return false;
	s->ports.last = next->ports.last;
	absorb(s, next);
	return true;
}

/* Sorted as `join` wants it: what was joined may go with what came before. Returns how many stay.
 */
static size_t join_all(struct suggestion *s, size_t n,
		       bool (*join)(struct suggestion *s, const struct suggestion *next))
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		s[kept++] = s[i];
		while (kept > 1 && join(&s[kept - 2], &s[kept - 1]))
			kept--;
	}
	return kept;
}

static size_t merge_peers(struct suggestion *s, size_t n)
{
	qsort(s, n, sizeof(*s), by_ports);
	return join_all(s, n, join_peers);
}

static size_t merge_ports(struct suggestion *s, size_t n)
{
	qsort(s, n, sizeof(*s), by_peer);
	return join_all(s, n, join_ports);
}

/* Until nothing goes together any more. */
static size_t merge(struct suggestion *s, size_t n, bool peers_first)
{
	size_t before;

	if (peers_first)
		n = merge_peers(s, n);
	do {
		before = n;
		n = merge_ports(s, n);
		n = merge_peers(s, n);
	} while (n < before);
	return n;
}

/* One for each entry. */
static void begin(const struct learn_entry *e, const struct learn_options *o, struct suggestion *s)
{
	*s = (struct suggestion){.chain = e->chain,
				 .party = e->party,
				 .proto = e->proto,
				 .way = e->way,
				 .ports = {e->port, e->port},
				 .peer = {.family = e->family},
				 .kinds = 1,
				 .packets = learn_packets(e)};
	memcpy(s->peer.addr, e->addr, sizeof(s->peer.addr));
	cut(&s->peer, e->family == 4 ? o->prefix4 : o->prefix6);
}

/* Where those that differ by nothing but their peers end. */
static size_t end_of_port(const struct suggestion *s, size_t i, size_t n)
{
	size_t end = i + 1;

	while (end < n && !group_cmp(&s[i], &s[end]) && !ports_cmp(&s[i], &s[end]))
		end++;
	return end;
}

/* A port with more peers than `wide`, when these have been merged, is for any. */
static int widen(struct suggestion *s, size_t *n, uint32_t wide)
{
	_cleanup_free_ struct suggestion *merged = calloc(*n + 1, sizeof(*s));
	size_t n_merged, end, end_merged;

	if (!merged)
		return -ENOMEM;
	memcpy(merged, s, *n * sizeof(*s));
	n_merged = merge_peers(merged, *n);
	qsort(s, *n, sizeof(*s), by_ports);
	for (size_t i = 0, k = 0; i < *n; i = end, k = end_merged) {
		end = end_of_port(s, i, *n);
		end_merged = end_of_port(merged, k, n_merged);
		for (size_t at = i; end_merged - k > wide && at < end; at++)
			s[at].any = true;
	}
	*n = join_all(s, *n, join_same);
	return 0;
}

/* Whether whatever `s` lets pass passes by the other, its party's, which is for all ports. */
static bool is_within(const struct suggestion *s, const struct suggestion *bare)
{
	/* Of FORWARD, one speaks of the source, the other of the destination. */
	if (bare->any || (s->chain == CHAIN_FORWARD && s->way == LEARN_FROM))
		return bare->any;
	return !s->any && s->peer.len >= bare->peer.len &&
	       cidr_contains(&bare->peer, s->peer.family, s->peer.addr);
}

/* Of bare ones, sorted and apart, the one that may have it within; NULL: none has. */
static struct suggestion *find_bare(struct suggestion *bare, size_t n, const struct suggestion *s)
{
	size_t low = 0, high = n;

	if (n > 0 && bare[n - 1].any)
		return &bare[n - 1];
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (peer_cmp(&bare[middle], s) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 ? &bare[low - 1] : NULL;
}

static bool same_party(const struct suggestion *a, const struct suggestion *b)
{
	return a->chain == b->chain && a->party == b->party && a->proto == b->proto;
}

/* Of a party's, sorted, that end with the bare ones: those that pass by these have no packets then.
 */
static void give_to_bare(struct suggestion *s, size_t n)
{
	size_t first = n;

	while (first > 0 && s[first - 1].way == LEARN_BARE)
		first--;
	for (size_t i = 0; i < first; i++) {
		struct suggestion *bare = find_bare(&s[first], n - first, &s[i]);

		if (!bare || !is_within(&s[i], bare))
			continue;
		bare->packets += s[i].packets;
		s[i].packets = 0;
	}
}

/* Leaves out what passes without regard to its port anyway. Returns how many stay, sorted. */
static size_t drop_covered(struct suggestion *s, size_t n)
{
	size_t kept = 0, end;

	qsort(s, n, sizeof(*s), by_ports);
	for (size_t i = 0; i < n; i = end) {
		for (end = i + 1; end < n && same_party(&s[i], &s[end]);)
			end++;
		give_to_bare(&s[i], end - i);
	}
	for (size_t i = 0; i < n; i++)
		if (s[i].packets)
			s[kept++] = s[i];
	return kept;
}

int learn_suggest(const struct learn_entry *entries, size_t n, const struct learn_options *o,
		  struct suggestion **out, size_t *n_out)
{
	_cleanup_free_ struct suggestion *one = calloc(n + 1, sizeof(*one));
	_cleanup_free_ struct suggestion *two = calloc(n + 1, sizeof(*two));
	size_t n_two;

	if (!one || !two)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		begin(&entries[i], o, &one[i]);
	if (widen(one, &n, o->wide))
		return -ENOMEM;
	memcpy(two, one, n * sizeof(*two));
	n_two = merge(two, n, false);
	n = merge(one, n, true);
	if (n_two < n) {
		free(one);
		one = TAKE_PTR(two);
		n = n_two;
	}
	*n_out = drop_covered(one, n);
	*out = TAKE_PTR(one);
	return 0;
}
