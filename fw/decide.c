/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decide.h"

#include <string.h>

#include "cgroup_text.h"
#include "set.h"

/* What can be said of one criterion, before it is negated. */
enum answer {
	ANSWER_NO,
	ANSWER_YES,
	ANSWER_UNKNOWN,
	ANSWER_MOOT, /* the packet has no such thing: no match, negated or not */
};

static enum answer answer(bool yes)
{
	return yes ? ANSWER_YES : ANSWER_NO;
}

static bool negated(const struct rule *r, enum match m)
{
	return r->neg & MATCH_BIT(m);
}

/* A rule that lets packets pass must be sure; one that stops them need not be. */
static bool must_be_sure(const struct rule *r)
{
	return verdict_passes(r->verdict);
}

static enum answer ask_addr(const struct cidr *c, const struct packet *p, const uint8_t *addr)
{
	return p->family ? answer(cidr_contains(c, p->family, addr)) : ANSWER_UNKNOWN;
}

static enum answer ask_proto(const struct rule *r, const struct packet *p)
{
	return p->family && p->has_proto ? answer(r->proto == p->proto) : ANSWER_UNKNOWN;
}

static enum answer ask_port(const struct port_range *range, const struct packet *p, uint16_t port)
{
	if (p->has_ports)
		return answer(port >= range->first && port <= range->last);
	return packet_may_have_ports(p) ? ANSWER_UNKNOWN : ANSWER_MOOT;
}

static enum answer ask_netns(const struct rule *r, const struct holders *holders)
{
	return holders->netns ? answer(r->netns == holders->netns) : ANSWER_UNKNOWN;
}

static enum answer ask_id(const struct id_range *range, uint32_t id)
{
	return answer(id >= range->first && id <= range->last);
}

/* No default: a new match does not compile until it is known here; object matches are
 * has_object()'s. */
static enum answer ask_packet(const struct rule *r, enum match m, const struct packet *p,
			      const struct holders *holders)
{
	switch (m) {
	case MATCH_SRC:
		return ask_addr(&r->src, p, p->saddr);
	case MATCH_DST:
		return ask_addr(&r->dst, p, p->daddr);
	case MATCH_PROTO:
		return ask_proto(r, p);
	case MATCH_SPORT:
		return ask_port(&r->sport, p, p->sport);
	case MATCH_DPORT:
		return ask_port(&r->dport, p, p->dport);
	case MATCH_NETNS:
		return ask_netns(r, holders);
	case MATCH_ORIGIN:
		return answer(r->origin == holders->origin);
	case MATCH_UID:
		return ask_id(&r->uid, holders->uid);
	case MATCH_GID:
		return ask_id(&r->gid, holders->gid);
	case MATCH_COMM:
	case MATCH_CGROUP:
	case MATCH_CONTAINER:
	case MATCH_SNG_HASH:
	case MATCH_AGG_HASH:
	case MATCH_ANON_EXEC:
	case MATCH_SET:
	case MATCH_SCRIPT:
	case MATCH_COUNT:
		break;
	}
	return ANSWER_MOOT;
}

static bool satisfies(enum answer a, const struct rule *r, enum match m)
{
	switch (a) {
	case ANSWER_NO:
		return negated(r, m);
	case ANSWER_YES:
		return !negated(r, m);
	case ANSWER_UNKNOWN:
		return !must_be_sure(r);
	case ANSWER_MOOT:
		break;
	}
	return false;
}

/* Those of the rule's criteria that the holders answer: user and group only where the packet does
 * not carry them. */
static uint32_t holder_criteria(const struct rule *r, const struct holders *holders)
{
	return r->have &
	       (holders->has_uid ? RULE_HOLDER_MATCHES & ~RULE_ID_MATCHES : RULE_HOLDER_MATCHES);
}

static bool packet_matches(const struct rule *r, const struct packet *p,
			   const struct holders *holders, enum match *failed)
{
	for (uint32_t left = r->have & ~holder_criteria(r, holders); left; left &= left - 1) {
		enum match m = (enum match)__builtin_ctz(left);

		*failed = m;
		if (!satisfies(ask_packet(r, m, p, holders), r, m))
			return false;
	}
	return true;
}

/* What was only seen may be blamed, and does not acquit: a negated criterion asks who it is not. */
static bool has_script(const struct rule *r, const struct script *s)
{
	return (s->state == SCRIPT_KNOWN ||
		(s->state == SCRIPT_SEEN && !negated(r, MATCH_SCRIPT))) &&
	       sha256_cmp(&s->digest, &r->script) == 0;
}

static bool knows_fact(enum match m, const struct facts *f)
{
	return f->known && (f->cgroups || !(MATCH_BIT(m) & RULE_GROUP_MATCHES));
}

/* What is not known of it is nothing that it has. */
static bool has_fact(const struct rule *r, enum match m, const struct facts *f)
{
	if (!knows_fact(m, f))
		return false;
	if (m == MATCH_CGROUP)
		return cgroup_text_is_in(f->cgroups, r->cgroup);
	if (m == MATCH_CONTAINER)
		return cgroup_text_has_container(f->cgroups, r->container);
	if (m == MATCH_COMM)
		return strcmp(f->comm, r->comm) == 0;
	return ask_id(m == MATCH_UID ? &r->uid : &r->gid, m == MATCH_UID ? f->uid : f->gid) ==
	       ANSWER_YES;
}

/* Whether what is known of the holder has what the rule names. */
static bool has_object(const struct rule *r, enum match m, const struct holder *h)
{
	const struct objset *set = h->objects;

	if (MATCH_BIT(m) & RULE_FACT_MATCHES)
		return has_fact(r, m, &h->facts);
	if (m == MATCH_SCRIPT)
		return has_script(r, &h->script);
	if (m == MATCH_ANON_EXEC)
		return set->anonymous;
	if (m == MATCH_AGG_HASH)
		return set->has_aggregate && sha256_cmp(&set->aggregate, &r->agg) == 0;
	if (m == MATCH_SET)
		return set_met(r->members, set);
	return objset_has(set, &r->sng);
}

/* Whether has_object() speaks of all there is. */
static bool is_whole(enum match m, const struct holder *h)
{
	const struct objset *set = h->objects;

	if (MATCH_BIT(m) & RULE_FACT_MATCHES)
		return knows_fact(m, &h->facts);
	if (m == MATCH_SCRIPT)
		return h->script.state == SCRIPT_NONE || h->script.state == SCRIPT_KNOWN;
	return set->complete && (m != MATCH_AGG_HASH || set->has_aggregate);
}

static bool holder_matches(const struct rule *r, uint32_t criteria, const struct holder *h,
			   enum match *failed)
{
	for (uint32_t left = criteria; left; left &= left - 1) {
		enum match m = (enum match)__builtin_ctz(left);

		*failed = m;
		if (must_be_sure(r) && !is_whole(m, h))
			return false;
		if (has_object(r, m, h) == negated(r, m))
			return false;
	}
	return true;
}

/* Law 4: one holder is enough to drop, all are needed to accept. found->holder: who decided it. */
static bool objects_match(const struct rule *r, const struct holders *holders,
			  struct finding *found)
{
	const uint32_t criteria = holder_criteria(r, holders);
	const bool all = must_be_sure(r);

	found->holder = 0;
	if (!criteria)
		return true;
	if (holders->n == 0 || holders->origin == ORIGIN_KERNEL ||
	    (all && holders->origin != ORIGIN_KNOWN)) {
		found->failed = (enum match)__builtin_ctz(criteria);
		return false;
	}
	for (size_t i = 0; i < holders->n; i++)
		if (holder_matches(r, criteria, &holders->h[i], &found->failed) != all) {
			found->holder = i;
			return !all;
		}
	return all;
}

bool decide_rule(const struct rule *r, const struct packet *p, const struct holders *holders,
		 struct finding *found)
{
	found->holder = 0;
	found->failed = MATCH_COUNT;
	return packet_matches(r, p, holders, &found->failed) && objects_match(r, holders, found);
}

static enum verdict fall_back(const struct ruleset *rs, enum chain chain, enum origin origin)
{
	switch (origin) {
	case ORIGIN_KNOWN:
		return rs->chains[chain].policy;
	case ORIGIN_KERNEL:
		return rs->kernel[chain];
	case ORIGIN_UNKNOWN:
	case ORIGIN_COUNT:
		break;
	}
	return rs->unknown[chain];
}

struct search {
	const struct rule_chain *chain;
	const struct packet *p;
	const struct holders *holders;
	struct reason *why; /* rule: the first that decides, of those that were tried */
	size_t first;	    /* of why->monitored: those before are of patches */
};

/* The index does not know of those that have left the chain since. */
static bool is_gone(const struct rule_chain *c, const struct rule_entry *e)
{
	for (size_t i = 0; i < c->n_gone; i++)
		if (c->gone[i] == e)
			return true;
	return false;
}

/* Keeps the first of them, in order; one may come twice. Rules of one patch, which follow each
 * other, have one counter: it counts a packet once. */
static void note_monitored(struct search *s, const struct rule_entry *e, size_t holder)
{
	struct reason *why = s->why;
	struct monitored *m = why->monitored;
	size_t at = why->n_monitored;

	while (at > s->first && m[at - 1].rule->order > e->order)
		at--;
	if (at == REASON_MONITORED_MAX || (at > s->first && m[at - 1].rule->count == e->count) ||
	    (at < why->n_monitored && m[at].rule->count == e->count))
		return;
	if (why->n_monitored < REASON_MONITORED_MAX)
		why->n_monitored++;
	memmove(m + at + 1, m + at, (why->n_monitored - at - 1) * sizeof(*m));
	m[at] = (struct monitored){e, holder};
}

/* False: this one, or one before it, decides. */
static bool try_rule(void *cookie, const struct rule_entry *e)
{
	struct search *s = cookie;
	struct finding found;

	if (s->why->rule && s->why->rule->order <= e->order)
		return false;
	if (!decide_rule(&e->rule, s->p, s->holders, &found) || is_gone(s->chain, e))
		return true;
	if (e->rule.monitor) {
		note_monitored(s, e, found.holder);
		return true;
	}
	s->why->rule = e;
	s->why->holder = found.holder;
	return false;
}

static void forget_later_ones(struct reason *why, size_t first)
{
	while (why->rule && why->n_monitored > first &&
	       why->monitored[why->n_monitored - 1].rule->order > why->rule->order)
		why->n_monitored--;
}

/* why->rule, which is NULL, becomes the first that decides. */
static void search(const struct rule_chain *c, const struct packet *p,
		   const struct holders *holders, struct reason *why)
{
	struct search s = {c, p, holders, why, why->n_monitored};

	for (size_t i = 0; i < c->n_added && try_rule(&s, c->added[i]); i++)
		;
	if (c->index)
		rule_index_search(c->index, p, holders, why->rule ? why->rule->order : UINT64_MAX,
				  try_rule, &s);
	forget_later_ones(why, s.first);
}

enum verdict decide(const struct ruleset *rs, enum chain chain, const struct packet *p,
		    const struct holders *holders, struct reason *why)
{
	why->origin = holders->origin;
	why->rule = NULL;
	why->holder = 0;
	why->n_monitored = 0;
	search(&rs->patches.chains[chain], p, holders, why);
	if (!why->rule)
		search(&rs->chains[chain], p, holders, why);
	return why->rule ? why->rule->rule.verdict : fall_back(rs, chain, holders->origin);
}
