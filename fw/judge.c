// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "decide.h"
#include "decision_cache.h"
#include "facts.h"
#include "judge_private.h"
#include "killer.h"
#include "learn.h"
#include "log.h"
#include "patch_sig.h"
static const enum counter origin_counter[ORIGIN_COUNT] = {
	[ORIGIN_KNOWN] = COUNT_KNOWN,
	[ORIGIN_KERNEL] = COUNT_KERNEL,
	[ORIGIN_UNKNOWN] = COUNT_UNKNOWN,
};

static void adopt(struct judge *j, struct ruleset *rules)
{
	bool watch = false;

	j->rules = rules;
	for (int c = 0; c < CHAIN_COUNT; c++) {
		j->needs_objects[c] = j->learn || inspect_is_on(j->inspect) ||
				      ruleset_asks(rules, (enum chain)c, RULE_OBJECT_MATCHES);
		j->needs_scripts[c] = ruleset_asks(rules, (enum chain)c, MATCH_BIT(MATCH_SCRIPT));
		j->needs_facts[c] = ruleset_asks(rules, (enum chain)c, RULE_FACT_MATCHES);
		j->needs_groups[c] = ruleset_asks(rules, (enum chain)c, RULE_GROUP_MATCHES);
		watch |= j->needs_scripts[c];
	}
	scripts_watch(j->scripts, watch);
	judge_revoke(j);
}

/* Only what is enforced, and not learned from, may be decided without us. What signatures have read
 * of a flow is a matter of that flow alone. */
void judge_revoke(struct judge *j)
{
	cache_restart(j->cache, j->learn || j->mode != MODE_ENFORCE ? NULL : j->rules,
		      inspect_is_on(j->inspect) ? CACHE_FLOW : 0);
}

int judge_new(struct loop *loop, struct probe *probe, struct owner *owner,
	      struct processes *processes, struct scripts *scripts, struct reject *reject,
	      struct stats *stats, struct events *events, struct tally *tally, struct cache *cache,
	      struct ruleset *rules, enum mode mode, struct judge **out)
{
	struct judge *j = calloc(1, sizeof(*j));

	if (!j)
		return -ENOMEM;
	j->probe = probe;
	j->owner = owner;
	j->processes = processes;
	j->scripts = scripts;
	j->reject = reject;
	j->stats = stats;
	j->events = events;
	j->tally = tally;
	j->cache = cache;
	j->mode = mode;
	j->decisions = decision_cache_new();
	if (!j->decisions || judge_begin_holding(j, loop)) {
		decision_cache_free(j->decisions);
		free(j);
		return -ENOMEM;
	}
	adopt(j, ruleset_ref(rules));
	*out = j;
	return 0;
}

struct ruleset *judge_set_rules(struct judge *j, struct ruleset *rules)
{
	struct ruleset *old = j->rules;

	adopt(j, ruleset_ref(rules));
	return old;
}

void judge_set_learn(struct judge *j, struct learn *learn)
{
	j->learn = learn;
	adopt(j, j->rules);
}

void judge_set_inspect(struct judge *j, struct inspect *inspect)
{
	j->inspect = inspect;
	adopt(j, j->rules);
}

void judge_set_mode(struct judge *j, enum mode mode)
{
	j->mode = mode;
	judge_revoke(j);
}

int judge_resolve_objects(struct judge *j, const struct attribution *who, bool scripts, bool final,
			  struct holders *out)
{
	for (size_t i = 0; i < who->n; i++) {
		const struct note_holder *h = attribution_holder(who, i);
		int r = processes_objects(j->processes, h, final, &out->h[i].objects);

		out->h[i].script.state = SCRIPT_UNKNOWN;
		out->h[i].facts.known = false;
		if (!r && scripts)
			r = scripts_of(j->scripts, h, final, &out->h[i].script);
		if (r)
			return r;
		out->h[i].pid = h->tgid;
		out->h[i].start_ns = h->start_ns;
		out->h[i].map_stamp = h->map_stamp;
	}
	out->n = who->n;
	return 0;
}

void judge_resolve_facts(struct judge *j, bool groups, struct holders *holders)
{
	for (size_t i = 0; i < holders->n; i++) {
		struct holder *h = &holders->h[i];

		if (i < FACTS_MAX)
			facts_read(j->probe, h->pid, h->start_ns, groups ? j->cgroups[i] : NULL,
				   &h->facts);
		else
			h->facts.known = false;
	}
}

static const enum event_reason origin_reason[ORIGIN_COUNT] = {
	[ORIGIN_KNOWN] = REASON_BY_POLICY,
	[ORIGIN_KERNEL] = REASON_BY_KERNEL,
	[ORIGIN_UNKNOWN] = REASON_BY_UNKNOWN,
};

/* What rule `by` says of the packet, or if it is none, what `otherwise` does. */
static void tell(struct judge *j, enum chain chain, const struct packet *p,
		 const struct holders *who, const struct monitored *by, enum event_reason otherwise,
		 enum verdict v, bool enforced)
{
	const struct event_about about = {
		.chain = chain,
		.packet = p,
		.holders = who,
		.reason = !by->rule		 ? otherwise
			  : by->rule->rule.patch ? REASON_BY_PATCH
						 : REASON_BY_RULE,
		.rules = &j->rules->chains[chain],
		.rule = by->rule,
		.holder = by->holder,
		.verdict = v,
		.enforced = enforced,
	};

	events_tell(j->events, &about);
}

static void count_met(struct rule_count *c, uint32_t bytes)
{
	__atomic_fetch_add(&c->packets, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&c->bytes, bytes, __ATOMIC_RELAXED);
}

/* NULL: the policy decided. */
static void count_match(const struct rule_entry *rule, uint32_t bytes)
{
	if (rule)
		count_met(rule->count, bytes);
}

/*
 * What a process wrote before it went away is sent by the kernel, on a socket that nobody holds. If
 * the process was not allowed to send it, its death does not change that; nor does it that for one
 * packet its holders cannot be told; nor that what it receives is allowed. Who was denied, and
 * whose later packets have passed in the kernel, was allowed to at last.
 */
static enum verdict remember_denied(struct judge *j, enum chain chain, const struct queue_packet *p,
				    const struct attribution *a, const struct holders *who,
				    enum verdict v)
{
	bool silent = a->orphan || (who->origin == ORIGIN_UNKNOWN && !who->n);
	uint64_t *slot = &j->denied[chain][who->cookie % DENIED_SLOTS];
	enum cache_hook hook;

	if (!who->cookie)
		return v;
	if (*slot == who->cookie && (a->passed || (!silent && verdict_passes(v))))
		*slot = 0;
	if (silent)
		return *slot == who->cookie ? VERDICT_DROP : v;
	if (verdict_passes(v))
		return v;
	*slot = who->cookie;
	if (cache_key_hook(chain, p->hook, &hook))
		cache_deny(j->cache, hook, who->cookie);
	return v;
}

/* Counts and logs what rules that only log would have done. Returns whether one would have dropped.
 */
static bool tell_monitored(struct judge *j, enum chain chain, const struct packet *p,
			   const struct holders *who, const struct reason *why)
{
	bool drops = false;

	for (size_t i = 0; i < why->n_monitored; i++) {
		const struct monitored *m = &why->monitored[i];
		enum verdict v = m->rule->rule.verdict;

		count_match(m->rule, p->length);
		tell(j, chain, p, who, m, REASON_BY_POLICY, v, false);
		drops |= !verdict_passes(v);
	}
	return drops;
}

/* All who hold the socket, where these are known: nobody is ended on a guess, nor for another's
 * socket. */
static void end_holders(struct judge *j, const struct holders *who)
{
	if (who->origin != ORIGIN_KNOWN || who->several)
		return;
	for (size_t i = 0; i < who->n; i++) {
		const struct holder *h = &who->h[i];
		int r = killer_kill(h->pid, h->start_ns);

		if (!r)
			j->stats->counter[COUNT_ENDED]++;
		else if (r != -ESRCH)
			log_line("app-fw: pid %u cannot be killed: %s", h->pid, strerror(-r));
	}
}

/* What the packet gets of a verdict that is in force. */
static struct ruling enforce(struct judge *j, const struct queue_packet *p,
			     const struct holders *who, const struct reason *why, enum verdict v)
{
	struct ruling ruling = {.verdict = v};

	if (v == VERDICT_MARK) {
		const struct mark *mark = &why->rule->rule.mark;

		ruling.mark = (p->mark & ~mark->mask) | mark->value;
	} else if (v == VERDICT_REJECT && !reject_tell(j->reject, p)) {
		j->stats->counter[COUNT_UNTOLD]++;
	} else if (v == VERDICT_KILL) {
		end_holders(j, who);
	}
	return ruling;
}

/* A packet counts once for a patch, however many of its signatures it meets. */
static void count_patches(struct judge *j, const struct inspection *in, uint32_t bytes)
{
	const struct patch_list *l = &j->rules->patches;

	for (size_t i = 0; i < in->n_hits; i++) {
		const uint64_t id = patch_sig_id(in->hits[i].rule->sid);
		const size_t at = id ? patch_list_find(l, id) : l->n;
		bool again = false;

		for (size_t k = 0; k < i; k++)
			again |= patch_sig_id(in->hits[k].rule->sid) == id;
		if (at < l->n && !again)
			count_met(l->entries[at]->count, bytes);
	}
}

/* What each signature that fired has to say of the packet, or what stops it otherwise. */
static void tell_inspection(struct judge *j, const struct inspect_about *about,
			    const struct inspection *in)
{
	struct event_about event = {.chain = about->chain,
				    .packet = &about->packet->packet,
				    .holders = about->holders,
				    .reason = REASON_BY_SIGNATURE,
				    .rules = &j->rules->chains[about->chain],
				    .enforced = about->enforced};

	for (size_t i = 0; i < in->n_hits; i++) {
		event.signature = in->hits[i].rule;
		event.holder = in->hits[i].holder;
		event.verdict = inspect_verdict(event.signature);
		events_tell(j->events, &event);
	}
	if (in->cause != INSPECT_CONFLICT && in->cause != INSPECT_FRAGMENT)
		return;
	event.reason = REASON_BY_STREAM;
	event.signature = NULL;
	event.holder = 0;
	event.cause = inspect_cause_name(in->cause);
	event.verdict = in->verdict;
	events_tell(j->events, &event);
}

/* A packet that the rules let pass. *must_see: what comes after it in its flow has to be looked at
 * too. */
static struct ruling look_inside(struct judge *j, enum chain chain, const struct queue_packet *p,
				 const struct holders *who, struct ruling ruling, bool *would_stop,
				 bool *must_see)
{
	const struct inspect_about about = {.chain = chain,
					    .packet = p,
					    .holders = who,
					    .rules = j->rules,
					    .now_ns = clock_monotonic_ns(),
					    .enforced = j->mode == MODE_ENFORCE};
	struct inspection in;

	inspect_packet(j->inspect, &about, &in);
	tell_inspection(j, &about, &in);
	count_patches(j, &in, p->packet.length);
	/* What nobody holds any more has no socket to be told apart by. */
	*must_see = !verdict_passes(in.verdict) ||
		    (who->origin == ORIGIN_KNOWN
			     ? in.wants
			     : sig_set_may_want(inspect_set(j->inspect), &p->packet));
	if (verdict_passes(in.verdict))
		return ruling;
	if (!about.enforced) {
		*would_stop = true;
		return ruling;
	}
	if (in.verdict == VERDICT_REJECT && !reject_tell(j->reject, p))
		j->stats->counter[COUNT_UNTOLD]++;
	return (struct ruling){.verdict = in.verdict};
}

/* *would_stop: it passes, and would not but for a mode or rule that only logs. *must_see: as
 * look_inside() says. */
static struct ruling pronounce(struct judge *j, enum chain chain, const struct queue_packet *p,
			       const struct attribution *a, const struct holders *who,
			       bool *would_stop, bool *must_see, struct reason *why)
{
	const bool lenient = j->mode == MODE_MONITOR;
	struct ruling ruling = {.verdict = VERDICT_ACCEPT};
	enum verdict decided =
		decision_cache_decide(j->decisions, j->rules, chain, &p->packet, who, why);
	enum verdict v = remember_denied(j, chain, p, a, who, decided);
	bool would = tell_monitored(j, chain, &p->packet, who, why);

	learn_packet(j->learn, chain, &p->packet, who, why->rule != NULL,
		     lenient || verdict_passes(v));
	count_match(why->rule, p->packet.length);
	if (!verdict_passes(v) || v == VERDICT_MARK) {
		const struct monitored by = {v == decided ? why->rule : NULL, why->holder};

		tell(j, chain, &p->packet, who, &by,
		     v == decided ? origin_reason[who->origin] : REASON_BY_SOCKET, v, !lenient);
	}
	if (!verdict_passes(v))
		would = lenient;
	if (!lenient)
		ruling = enforce(j, p, who, why, v);
	*must_see = false;
	if (verdict_passes(ruling.verdict) && inspect_is_on(j->inspect))
		ruling = look_inside(j, chain, p, who, ruling, &would, must_see);
	*would_stop = would;
	if (would)
		j->stats->counter[COUNT_WOULD_DROP]++;
	return ruling;
}

/*
 * Whether the kernel may decide packets like this one itself for a while: all that the verdict
 * rests on is in the class's key, or changes its epoch, or is a matter of time. What must see each
 * packet of a flow says no here. What is said of a packet of kernel origin rests on its headers
 * alone: a denied socket's orphan is dropped, so of none that is accepted was there more to say.
 */
static bool judge_may_cache(const struct judge *j, enum chain chain, const struct attribution *who,
			    const struct holders *holders, const struct reason *why,
			    enum cache_verdict v)
{
	if (why->n_monitored > 0)
		return false;
	if (holders->origin == ORIGIN_KERNEL)
		return who->noted && v == CACHE_ACCEPT;
	if (!who->proven || holders->origin != ORIGIN_KNOWN)
		return false;
	for (size_t i = 0; j->needs_objects[chain] && i < holders->n; i++)
		if (!holders->h[i].objects->complete)
			return false;
	return true;
}

/* How long what the holders have mapped is taken to be what it was found to be. */
static uint64_t valid_until(struct judge *j, enum chain chain, const struct attribution *who)
{
	uint64_t until = clock_monotonic_ns() + OBJECT_RETRY_NS;

	if (who->origin == ORIGIN_KERNEL) /* the same for all of a second: it is put once */
		return until + OBJECT_RETRY_NS - until % OBJECT_RETRY_NS;
	for (size_t i = 0; j->needs_objects[chain] && i < who->n; i++) {
		uint64_t valid = processes_valid_until(j->processes, attribution_holder(who, i));

		until = valid < until ? valid : until;
	}
	return until;
}

/* What the kernel may do with others like it, and *until when, if that is not a matter of their
 * holders. */
static enum cache_verdict kernel_verdict(const struct judge *j, const struct queue_packet *p,
					 enum verdict v, uint64_t *until)
{
	*until = UINT64_MAX;
	if (v == VERDICT_ACCEPT)
		return CACHE_ACCEPT;
	if (v == VERDICT_DROP)
		return CACHE_DROP;
	if (v != VERDICT_REJECT || p->packet.proto != IPPROTO_UDP)
		return CACHE_NONE;
	*until = reject_silent_until(j->reject); /* so long, it is a DROP: nobody is told */
	return *until ? CACHE_DROP : CACHE_NONE;
}

static void teach_kernel(struct judge *j, enum chain chain, const struct queue_packet *p,
			 const struct attribution *who, const struct holders *holders,
			 const struct reason *why, struct ruling ruling)
{
	enum cache_verdict v;
	enum cache_hook hook;
	uint64_t until, valid;

	if (!cache_key_hook(chain, p->hook, &hook) || !cache_is_met(j->cache, hook))
		return;
	v = kernel_verdict(j, p, ruling.verdict, &until);
	if (v == CACHE_NONE || !judge_may_cache(j, chain, who, holders, why, v))
		return;
	valid = valid_until(j, chain, who);
	cache_put(j->cache, hook, holders->netns, holders->cookie, &p->packet,
		  holders->origin == ORIGIN_KERNEL ? NULL : who->few, who->n, v,
		  why->rule ? why->rule->count : NULL, valid < until ? valid : until);
}

static void lap(struct judge *j, enum stage stage, uint64_t *since)
{
	uint64_t now = clock_ticks();

	histogram_add(&j->stats->stage[stage], now - *since, 1);
	*since = now;
}

int judge_attributed(struct judge *j, enum chain chain, const struct queue_packet *p,
		     const struct attribution *who, bool final, uint64_t *ticks,
		     struct ruling *ruling)
{
	static const struct objset nothing = {.complete = false};
	struct holders holders;
	struct reason why;
	bool would, must_see;
	int r = 0;

	holders.origin = who->origin;
	holders.netns = who->netns;
	holders.cookie = who->cookie;
	holders.several = who->several;
	holders.has_uid = who->has_uid;
	holders.uid = who->uid;
	holders.gid = who->gid;
	holders.n = 0;
	if (who->n && j->needs_objects[chain])
		r = judge_resolve_objects(j, who, j->needs_scripts[chain], final, &holders);
	if (r == -EAGAIN && !final)
		return r;
	if (r) /* out of memory: nothing can be said of it */
		holders.origin = ORIGIN_UNKNOWN;
	for (size_t i = holders.n; !r && i < who->n; i++) {
		const struct note_holder *h = attribution_holder(who, i);

		holders.h[i] = (struct holder){.pid = h->tgid,
					       .start_ns = h->start_ns,
					       .map_stamp = h->map_stamp,
					       .objects = &nothing};
		holders.n++;
	}
	if (j->needs_facts[chain])
		judge_resolve_facts(j, j->needs_groups[chain], &holders);
	j->stats->counter[origin_counter[holders.origin]]++;
	lap(j, STAGE_ATTRIBUTE, ticks);
	*ruling = pronounce(j, chain, p, who, &holders, &would, &must_see, &why);
	if (!must_see)
		teach_kernel(j, chain, p, who, &holders, &why, *ruling);
	/* The clock waits for all that is read before it, and what this reads is in no cache: it is
	 * on its way while the next packet is read. */
	lap(j, STAGE_DECIDE, ticks);
	tally_packet(j->tally, who, &p->packet, ruling->verdict, would);
	return 0;
}

static void on_hint(void *cookie, const struct hint *hint)
{
	struct judge *j = cookie;

	processes_hint(j->processes, hint);
	owner_hint(j->owner, hint);
}

void judge_catch_up(struct judge *j)
{
	probe_drain_hints(j->probe, on_hint, j);
}

void judge_before(void *judge, struct queue *q)
{
	(void)q;
	judge_catch_up(judge);
}

/* What tells a sender of a REJECT passes: it is as the kernel's own, and no process's. */
static int judge_own(struct judge *j, const struct packet *p, struct ruling *ruling)
{
	j->stats->counter[COUNT_KERNEL]++;
	*ruling = (struct ruling){.verdict = VERDICT_ACCEPT};
	tally_kernel(j->tally, p, ruling->verdict);
	return 0;
}

int judge_packet(void *judge, struct queue *q, const struct queue_packet *p, uint64_t *ticks,
		 struct ruling *ruling)
{
	struct judge *j = judge;
	enum chain chain = queue_options(q)->chain;
	struct attribution who;
	bool unattributed;
	int r = 0;

	if (p->packet.malformed)
		j->stats->counter[COUNT_MALFORMED]++;
	if (p->packet.later_fragment)
		j->stats->counter[COUNT_FRAGMENT]++;
	if (reject_is_own(j->reject, &p->packet))
		return judge_own(j, &p->packet, ruling);
	unattributed = owner_attribute(j->owner, p, &who);
	if (who.noted || p->hook == NF_INET_LOCAL_OUT)
		queue_noted(q, who.noted);
	if (!unattributed && !judge_attributed(j, chain, p, &who, false, ticks, ruling))
		goto out;
	if (!judge_hold(j, q, p, &who, unattributed))
		return 1; /* who is the held packet's now */
	if (unattributed)
		owner_retry(j->owner, true, &who);
	r = judge_attributed(j, chain, p, &who, true, ticks, ruling);
out:
	attribution_clear(&who);
	return r;
}

void judge_free(struct judge *j)
{
	if (!j)
		return;
	judge_end_holding(j);
	ruleset_unref(j->rules);
	decision_cache_free(j->decisions);
	free(j);
}
