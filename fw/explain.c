// SPDX-License-Identifier: GPL-2.0-or-later
#include "explain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SENTENCE 256

static const char *const criterion[MATCH_COUNT] = {
	[MATCH_SRC] = "the source address",
	[MATCH_DST] = "the destination address",
	[MATCH_PROTO] = "the protocol",
	[MATCH_SPORT] = "the source port",
	[MATCH_DPORT] = "the destination port",
	[MATCH_NETNS] = "the network namespace",
	[MATCH_SNG_HASH] = "the digest",
	[MATCH_AGG_HASH] = "the aggregate digest",
	[MATCH_ANON_EXEC] = "anonymous executable memory",
	[MATCH_SET] = "the set",
	[MATCH_SCRIPT] = "the script",
	[MATCH_ORIGIN] = "the origin",
	[MATCH_UID] = "the user",
	[MATCH_GID] = "the group",
	[MATCH_COMM] = "the name",
	[MATCH_CGROUP] = "the cgroup",
	[MATCH_CONTAINER] = "the container",
};

static const char *const in_words[] = {
	[VERDICT_ACCEPT] = "accept", [VERDICT_DROP] = "drop", [VERDICT_REJECT] = "reject",
	[VERDICT_MARK] = "mark",     [VERDICT_KILL] = "kill",
};
_Static_assert(sizeof(in_words) / sizeof(in_words[0]) == VERDICT_COUNT, "every verdict has a word");

static void why_not_object(const struct rule *r, const struct holders *who, const struct finding *f,
			   char out[SENTENCE])
{
	const struct holder *h = &who->h[f->holder];

	if (who->origin != ORIGIN_KNOWN)
		snprintf(out, SENTENCE, "it asks what is mapped, and the packet is of %s origin",
			 origin_name(who->origin));
	else if (verdict_passes(r->verdict) && !h->objects->complete)
		snprintf(out, SENTENCE, "not all objects of pid %u are known, and %s must be sure",
			 h->pid, verdict_name(r->verdict));
	else if (f->failed == MATCH_ANON_EXEC)
		snprintf(out, SENTENCE, "pid %u has %s%s", h->pid,
			 r->neg & MATCH_BIT(f->failed) ? "" : "no ", criterion[f->failed]);
	else if (r->neg & MATCH_BIT(f->failed))
		snprintf(out, SENTENCE, "pid %u has an object of %s", h->pid, criterion[f->failed]);
	else if (who->n > 1 && !verdict_passes(r->verdict))
		snprintf(out, SENTENCE, "none of the %zu holders has an object of %s", who->n,
			 criterion[f->failed]);
	else
		snprintf(out, SENTENCE, "pid %u has no object of %s", h->pid, criterion[f->failed]);
}

static void why_not_script(const struct rule *r, const struct holders *who, const struct finding *f,
			   char out[SENTENCE])
{
	const struct holder *h = &who->h[f->holder];
	bool known = h->script.state == SCRIPT_KNOWN || h->script.state == SCRIPT_NONE;

	if (verdict_passes(r->verdict) && !known)
		snprintf(out, SENTENCE, "the script of pid %u is not known, and %s must be sure",
			 h->pid, verdict_name(r->verdict));
	else if (r->neg & MATCH_BIT(MATCH_SCRIPT))
		snprintf(out, SENTENCE, "pid %u was started with that script", h->pid);
	else if (who->n > 1 && !verdict_passes(r->verdict))
		snprintf(out, SENTENCE, "none of the %zu holders was started with that script",
			 who->n);
	else
		snprintf(out, SENTENCE, "pid %u was not started with that script%s", h->pid,
			 known ? "" : ", as far as is known");
}

static void why_not_fact(const struct rule *r, const struct holders *who, const struct finding *f,
			 char out[SENTENCE])
{
	const struct holder *h = &who->h[f->holder];
	bool known = h->facts.known &&
		     (h->facts.cgroups || !(MATCH_BIT(f->failed) & RULE_GROUP_MATCHES));

	if (verdict_passes(r->verdict) && !known)
		snprintf(out, SENTENCE, "%s of pid %u is not known, and %s must be sure",
			 criterion[f->failed], h->pid, verdict_name(r->verdict));
	else if (r->neg & MATCH_BIT(f->failed))
		snprintf(out, SENTENCE, "%s of pid %u is the one", criterion[f->failed], h->pid);
	else if (who->n > 1 && !verdict_passes(r->verdict))
		snprintf(out, SENTENCE, "%s of none of the %zu holders is the one",
			 criterion[f->failed], who->n);
	else
		snprintf(out, SENTENCE, "%s of pid %u is %s", criterion[f->failed], h->pid,
			 known ? "another" : "not known");
}

static void why_not(const struct rule *r, const struct holders *who, const struct finding *f,
		    char out[SENTENCE])
{
	if (f->failed == MATCH_SCRIPT && who->origin == ORIGIN_KNOWN)
		why_not_script(r, who, f, out);
	else if (MATCH_BIT(f->failed) & RULE_FACT_MATCHES && who->origin == ORIGIN_KNOWN &&
		 !(MATCH_BIT(f->failed) & RULE_ID_MATCHES && who->has_uid))
		why_not_fact(r, who, f, out);
	else if (MATCH_BIT(f->failed) & RULE_OBJECT_MATCHES)
		why_not_object(r, who, f, out);
	else
		snprintf(out, SENTENCE, "%s does not match", criterion[f->failed]);
}

static void why_match(const struct rule *r, const struct holders *who, const struct finding *f,
		      char out[SENTENCE])
{
	if (!(r->have & RULE_HOLDER_MATCHES))
		snprintf(out, SENTENCE, "all its criteria match");
	else if (!verdict_passes(r->verdict))
		snprintf(out, SENTENCE, "pid %u matches, and one holder is enough to %s",
			 who->h[f->holder].pid, in_words[r->verdict]);
	else
		snprintf(out, SENTENCE, "all %zu holders match, as they must to %s", who->n,
			 in_words[r->verdict]);
}

static void why_policy(const struct holders *who, char out[SENTENCE])
{
	if (who->origin == ORIGIN_KNOWN)
		snprintf(out, SENTENCE, "no rule matches: the policy of the chain");
	else
		snprintf(out, SENTENCE, "no rule matches: the verdict for %s origin",
			 origin_name(who->origin));
}

static void add_monitored(char sentence[SENTENCE])
{
	size_t n = strlen(sentence);

	snprintf(sentence + n, SENTENCE - n, ": it only logs that, and the next rules decide");
}

static void tell_why(const struct rule *r, const struct holders *who, const struct finding *f,
		     bool matches, char sentence[SENTENCE])
{
	if (matches)
		why_match(r, who, f, sentence);
	else
		why_not(r, who, f, sentence);
	if (matches && r->monitor)
		add_monitored(sentence);
}

static json_t *tell(size_t index, const struct rule *r, const struct holders *who,
		    const struct finding *f, bool matches, char sentence[SENTENCE])
{
	char text[RULE_TEXT_MAX];

	tell_why(r, who, f, matches, sentence);
	rule_format(r, text);
	return json_pack("{s:I, s:s, s:b, s:s}", "index", (json_int_t)index, "rule", text,
			 "matches", matches, "why", sentence);
}

static json_t *tell_patch(const struct patch *patch, bool matches, const char *sentence)
{
	char text[PATCH_TEXT_MAX];

	patch_format(patch, text);
	return json_pack("{s:I, s:s, s:b, s:s}", "patch", (json_int_t)patch->id, "rule", text,
			 "matches", matches, "why", sentence);
}

/*
 * Walks the patches; returns the one that decides, or NULL. One that may mean either end of a
 * packet has two rules here, which follow each other: of those that do not match, the last says
 * why.
 */
static const struct patch *walk_patches(const struct patch_list *l, enum chain chain,
					const struct packet *p, const struct holders *who,
					json_t *steps, char sentence[SENTENCE])
{
	const struct rule_chain *c = &l->chains[chain];

	for (size_t i = 0; i < c->list.n; i++) {
		const struct rule *r = rule_chain_at(c, i);
		const struct patch *patch = &l->entries[patch_list_find(l, r->patch)]->patch;
		const bool more = i + 1 < c->list.n && rule_chain_at(c, i + 1)->patch == r->patch;
		struct finding f;
		bool matches = decide_rule(r, p, who, &f);

		if (!matches && more)
			continue;
		tell_why(r, who, &f, matches, sentence);
		if (json_array_size(steps) < EXPLAIN_STEPS_MAX || matches)
			json_array_append_new(steps, tell_patch(patch, matches, sentence));
		if (matches && !r->monitor)
			return patch;
		i += more;
	}
	return NULL;
}

/* Walks the rules; returns the index of the one that decides, or n. `sentence` is its reason. */
static size_t walk(const struct rule_chain *c, const struct packet *p, const struct holders *who,
		   json_t *steps, char sentence[SENTENCE])
{
	for (size_t i = 0; i < c->list.n; i++) {
		const struct rule *r = rule_chain_at(c, i);
		struct finding f;
		bool matches = decide_rule(r, p, who, &f);

		if (i < EXPLAIN_STEPS_MAX || matches)
			json_array_append_new(steps, tell(i, r, who, &f, matches, sentence));
		if (matches && !r->monitor)
			return i;
	}
	why_policy(who, sentence);
	return c->list.n;
}

/* The text of what decides, in `text`; "": the policy. */
static json_t *end_of(const struct rule_chain *c, size_t rule, const struct patch *patch,
		      char text[PATCH_TEXT_MAX])
{
	*text = '\0';
	if (patch)
		patch_format(patch, text);
	else if (rule < c->list.n)
		rule_format(rule_chain_at(c, rule), text);
	return !patch && rule < c->list.n ? json_integer((json_int_t)rule) : json_null();
}

json_t *explain(const struct ruleset *rs, enum chain chain, const struct packet *p,
		const struct holders *holders)
{
	const struct rule_chain *c = &rs->chains[chain];
	char packet[PACKET_TEXT_LEN], text[PATCH_TEXT_MAX], sentence[SENTENCE];
	json_t *steps = json_array(), *index;
	struct reason why;
	enum verdict v = decide(rs, chain, p, holders, &why);
	const struct patch *patch = walk_patches(&rs->patches, chain, p, holders, steps, sentence);
	size_t rule = patch ? c->list.n : walk(c, p, holders, steps, sentence);

	packet_format(p, packet);
	index = end_of(c, rule, patch, text);
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:s, s:s, s:o}", "verdict",
			 verdict_name(v), "chain", chain_name(chain), "origin",
			 origin_name(why.origin), "packet", packet, "rule", index, "patch",
			 patch ? json_integer((json_int_t)patch->id) : json_null(), "text", text,
			 "why", sentence, "steps", steps);
}

static bool is_host(const struct cidr *c)
{
	return c->len == (c->family == 4 ? 32 : 128);
}

static bool is_one_port(const struct port_range *r)
{
	return r->first == r->last;
}

/* What of the description does not describe one packet; NULL when all of it does. */
static const char *not_a_packet(const struct rule *d)
{
	if (d->neg)
		return "-!";
	if (d->monitor)
		return "--monitor";
	if (d->expires_s)
		return "--expires";
	if (rule_needs_objects(d))
		return "a match of what is mapped";
	if (d->have & RULE_FACT_MATCHES)
		return "a match of what a process is";
	if (d->have & MATCH_BIT(MATCH_ORIGIN))
		return "--origin";
	if ((d->have & MATCH_BIT(MATCH_SRC)) && !is_host(&d->src))
		return "-s";
	if ((d->have & MATCH_BIT(MATCH_DST)) && !is_host(&d->dst))
		return "-d";
	if ((d->have & MATCH_BIT(MATCH_SPORT)) && !is_one_port(&d->sport))
		return "--sport";
	if ((d->have & MATCH_BIT(MATCH_DPORT)) && !is_one_port(&d->dport))
		return "--dport";
	return NULL;
}

int explain_packet(const struct rule *d, struct packet *out, const char **what)
{
	const uint32_t ports = MATCH_BIT(MATCH_SPORT) | MATCH_BIT(MATCH_DPORT);
	struct packet p = {0};

	*what = not_a_packet(d);
	if (*what)
		return -EINVAL;
	p.family = d->have & MATCH_BIT(MATCH_DST)   ? d->dst.family
		   : d->have & MATCH_BIT(MATCH_SRC) ? d->src.family
						    : 4;
	p.has_proto = d->have & MATCH_BIT(MATCH_PROTO);
	p.proto = d->proto;
	p.has_ports = d->have & ports;
	p.sport = d->have & MATCH_BIT(MATCH_SPORT) ? d->sport.first : 0;
	p.dport = d->have & MATCH_BIT(MATCH_DPORT) ? d->dport.first : 0;
	memcpy(p.saddr, d->src.addr, sizeof(p.saddr));
	memcpy(p.daddr, d->dst.addr, sizeof(p.daddr));
	*out = p;
	return 0;
}
