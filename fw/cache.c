// SPDX-License-Identifier: GPL-2.0-or-later
#include "cache.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdlib.h>
#include <string.h>

#define RECENT 256 /* power of two: classes that were put lately, so as not to put them twice */

/* A place where packets are counted that no longer come here. */
struct tally_place {
	struct rule_count *count; /* NULL: a policy's */
	enum cache_verdict verdict;
	uint64_t packets, bytes; /* as they were when last added up */
};

struct recent {
	struct cache_key key;
	struct cache_class class;
};

struct cache {
	struct probe_cache maps; /* classes < 0: this kernel has no cache */
	struct stats *stats;
	uint64_t epoch;
	uint64_t named_by; /* epoch of the rules that maps.named is of; 0: of none */
	struct {
		bool on;
		uint8_t mask;
		uint32_t policy_tally[3]; /* by enum cache_verdict; of */
		uint64_t policy_epoch[3]; /* this epoch */
	} chains[CACHE_HOOKS];
	uint32_t next, used; /* tallies: the next one to give, and how many of this epoch are */
	struct tally_place places[ABI_TALLIES];
	struct recent recent[RECENT];
};

static const enum chain chain_of[CACHE_HOOKS] = {
	[CACHE_OUT] = CHAIN_OUTPUT,
	[CACHE_IN] = CHAIN_INPUT,
};

struct cache *cache_new(struct probe *probe, struct stats *stats)
{
	struct cache *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->stats = stats;
	probe_cache_maps(probe, &c->maps);
	return c;
}

void cache_free(struct cache *c)
{
	if (!c)
		return;
	cache_restart(c, NULL, 0);
	free(c);
}

/* What was counted in one place since it was last looked at. */
static void fold_place(struct cache *c, uint32_t i)
{
	struct tally_place *place = &c->places[i];
	uint64_t packets = 0, bytes = 0;
	bool accepted = place->verdict == CACHE_ACCEPT;

	for (int cpu = 0; cpu < c->maps.cpus; cpu++) {
		const struct cache_tally *t = &c->maps.tallies[(size_t)cpu * ABI_TALLIES + i];

		packets += __atomic_load_n(&t->packets, __ATOMIC_RELAXED);
		bytes += __atomic_load_n(&t->bytes, __ATOMIC_RELAXED);
	}
	if (packets == place->packets && bytes == place->bytes)
		return;
	c->stats->counter[accepted ? COUNT_CACHE_ACCEPTED : COUNT_CACHE_DROPPED] +=
		packets - place->packets;
	c->stats->counter[accepted ? COUNT_CACHE_ACCEPTED_BYTES : COUNT_CACHE_DROPPED_BYTES] +=
		bytes - place->bytes;
	if (place->count) {
		__atomic_fetch_add(&place->count->packets, packets - place->packets,
				   __ATOMIC_RELAXED);
		__atomic_fetch_add(&place->count->bytes, bytes - place->bytes, __ATOMIC_RELAXED);
	}
	place->packets = packets;
	place->bytes = bytes;
}

/* Those of this epoch are the last that were given. */
void cache_fold(struct cache *c)
{
	for (uint32_t i = 1; c && i <= c->used; i++)
		fold_place(c, (c->next - i) % ABI_TALLIES);
}

/* The rules that are counted for may go. */
static void forget_rules(struct cache *c)
{
	cache_fold(c);
	for (size_t i = 0; i < ABI_TALLIES; i++)
		c->places[i].count = NULL;
	c->used = 0;
}

/* What tells packets of one identity apart there; false: nothing may be kept. */
static bool mask_of(const struct ruleset *rules, enum chain chain, uint8_t also, uint8_t *mask)
{
	uint8_t of_patches, of_rules;

	if (!cache_key_mask(&rules->patches.chains[chain], &of_patches) ||
	    !cache_key_mask(&rules->chains[chain], &of_rules))
		return false;
	*mask = of_patches | of_rules | also;
	return true;
}

/* While no epoch is on: who reads this looks for that before and after. */
static void take_names(struct cache *c, enum cache_hook hook, const struct ruleset *rules)
{
	struct cache_named *n = &c->maps.named[hook];

	memset(n, 0, sizeof(*n));
	cache_key_named(&rules->patches.chains[chain_of[hook]], n);
	cache_key_named(&rules->chains[chain_of[hook]], n);
}

void cache_restart(struct cache *c, const struct ruleset *rules, uint8_t also)
{
	if (c->maps.classes < 0)
		return;
	for (int h = 0; h < CACHE_HOOKS; h++)
		__atomic_store_n(&c->maps.chains[h].epoch, 0, __ATOMIC_SEQ_CST);
	forget_rules(c);
	c->epoch++;
	if (rules && rules->epoch != c->named_by)
		for (int h = 0; h < CACHE_HOOKS; h++)
			take_names(c, h, rules);
	if (rules)
		c->named_by = rules->epoch;
	for (int h = 0; h < CACHE_HOOKS; h++) {
		c->chains[h].on = rules && mask_of(rules, chain_of[h], also, &c->chains[h].mask);
		if (!c->chains[h].on)
			continue;
		c->maps.chains[h].mask = c->chains[h].mask;
		__atomic_store_n(&c->maps.chains[h].epoch, c->epoch, __ATOMIC_SEQ_CST);
	}
}

bool cache_is_met(const struct cache *c, enum cache_hook hook)
{
	return c->maps.classes >= 0 && c->chains[hook].on &&
	       __atomic_load_n(&c->maps.chains[hook].seen, __ATOMIC_RELAXED);
}

/* False: all are given. */
static bool new_place(struct cache *c, struct rule_count *count, enum cache_verdict v,
		      uint32_t *out)
{
	uint32_t i = c->next % ABI_TALLIES;

	if (c->used == ABI_TALLIES)
		return false;
	fold_place(c, i); /* what came in late for whom it was before */
	c->next = (c->next + 1) % ABI_TALLIES;
	c->used++;
	c->places[i].count = count;
	c->places[i].verdict = v;
	*out = i;
	return true;
}

static bool place_of(struct cache *c, enum cache_hook hook, struct rule_count *count,
		     enum cache_verdict v, uint32_t *out)
{
	uint32_t *tally = count ? &count->tally : &c->chains[hook].policy_tally[v];
	uint64_t *epoch = count ? &count->tally_epoch : &c->chains[hook].policy_epoch[v];

	if (*epoch != c->epoch && !new_place(c, count, v, tally))
		return false;
	*epoch = c->epoch;
	*out = *tally;
	return true;
}

void cache_deny(struct cache *c, enum cache_hook hook, uint64_t cookie)
{
	struct deny_args args = {.cookie = cookie, .hook = hook};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &args, .ctx_size_in = sizeof(args));

	/* Where no packet was ever asked about, none has passed. */
	if (c->maps.classes >= 0 && __atomic_load_n(&c->maps.chains[hook].seen, __ATOMIC_RELAXED))
		bpf_prog_test_run_opts(c->maps.deny, &opts);
}

static struct recent *recent_of(struct cache *c, const struct cache_key *key)
{
	const unsigned char *bytes = (const unsigned char *)key;
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < sizeof(*key); i++)
		h = (h ^ bytes[i]) * 16777619u;
	return &c->recent[(h ^ h >> 16) & (RECENT - 1)];
}

void cache_put(struct cache *c, enum cache_hook hook, uint64_t netns, uint64_t cookie,
	       const struct packet *p, const struct note_holder *holders, size_t n,
	       enum cache_verdict v, struct rule_count *count, uint64_t until_ns)
{
	struct cache_class class = {.epoch = c->epoch, .until = until_ns, .verdict = v};
	struct cache_key key;
	struct recent *r;
	__u64 *puts;
	int failed;

	if (!cache_is_met(c, hook) ||
	    !cache_key_make(hook, c->chains[hook].mask, &c->maps.named[hook], netns, cookie, p,
			    holders, n, &key) ||
	    !place_of(c, hook, count, v, &class.tally))
		return;
	r = recent_of(c, &key);
	if (memcmp(&r->key, &key, sizeof(key)) == 0 && r->class.epoch == class.epoch &&
	    r->class.verdict == class.verdict && r->class.until == class.until)
		return;
	puts = &c->maps.chains[CACHE_OUT].puts;
	__atomic_add_fetch(puts, 1, __ATOMIC_SEQ_CST);
	failed = bpf_map_update_elem(c->maps.classes, &key, &class, BPF_ANY);
	__atomic_add_fetch(puts, 1, __ATOMIC_SEQ_CST);
	if (failed)
		return;
	r->key = key;
	r->class = class;
}
