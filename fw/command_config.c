// SPDX-License-Identifier: GPL-2.0-or-later
#include "command_config.h"
#include "clock.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "command_mode.h"
#include "command_patch.h"
#include "command_sig.h"
#include "common/cleanup.h"
#include "log.h"
#include "store.h"

/* What a text holds, as it comes: a rule set with policies and sets in it, and the rules to be. */
struct loaded {
	const struct options *options;
	struct ruleset *rs;
	struct rule *rules;
	size_t n, room;
	size_t in_chain[CHAIN_COUNT];
};

static void cleanup_loaded(struct loaded *l)
{
	ruleset_unref(l->rs);
	free(l->rules);
}

static int replace(struct loaded *l, int r, struct ruleset *next)
{
	if (r)
		return r;
	ruleset_unref(l->rs);
	l->rs = next;
	return 0;
}

static int take_policy(void *cookie, enum chain chain, enum verdict policy)
{
	struct loaded *l = cookie;
	const struct options *o = l->options;
	struct ruleset *next = NULL;
	enum verdict unknown = o->unknown_given ? o->unknown[chain] : policy;
	int r = ruleset_set_policy(l->rs, chain, policy, unknown, &next);

	return replace(l, r, next);
}

static int take_set(void *cookie, struct set *set)
{
	struct loaded *l = cookie;
	struct ruleset *next = NULL;
	int r;

	if (ruleset_set(l->rs, set->name))
		return -EEXIST;
	r = ruleset_put_set(l->rs, set, &next);
	return replace(l, r, next);
}

static int take_next_patch(void *cookie, uint64_t id)
{
	struct loaded *l = cookie;

	ruleset_reserve_ids(l->rs, id);
	return 0;
}

static int take_patch(void *cookie, const struct patch *patch)
{
	struct loaded *l = cookie;

	return ruleset_load_patch(l->rs, patch);
}

static int take_rule(void *cookie, const struct rule *rule)
{
	struct loaded *l = cookie;

	if ((rule->have & MATCH_BIT(MATCH_SET)) && !ruleset_set(l->rs, rule->set))
		return -ENOENT;
	if (l->in_chain[rule->chain] == RULES_MAX)
		return -E2BIG;
	if (l->n == l->room) {
		size_t room = l->room ? l->room * 2 : 64;
		struct rule *more = reallocarray(l->rules, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		l->rules = more;
		l->room = room;
	}
	l->in_chain[rule->chain]++;
	l->rules[l->n++] = *rule;
	return 0;
}

/* The rules that came before are made a rule set first. */
static int take_change(void *cookie, const struct store_change *change)
{
	struct loaded *l = cookie;
	struct ruleset *next = NULL;
	int r;

	if (l->n > 0) {
		r = ruleset_append(l->rs, l->rules, l->n, &next);
		r = replace(l, r, next);
		if (r)
			return r;
		l->n = 0;
	}
	if (change->kind == STORE_INSERT)
		r = ruleset_insert(l->rs, &change->rule, change->index, &next);
	else
		r = ruleset_delete(l->rs, change->rule.chain, change->index, &next);
	return replace(l, r, next);
}

static struct store_taker taker(struct loaded *l,
				int (*change)(void *cookie, const struct store_change *change))
{
	return (struct store_taker){.policy = take_policy,
				    .set = take_set,
				    .next_patch = take_next_patch,
				    .patch = take_patch,
				    .rule = take_rule,
				    .change = change,
				    .cookie = l};
}

static int load_begin(struct loaded *l, const struct options *o)
{
	l->options = o;
	l->rs = ruleset_new(o->policy, o->unknown, o->kernel);
	return l->rs ? 0 : -ENOMEM;
}

/* 0, -EALREADY or -ENOMEM. */
static int drop_expired(struct ruleset **rules)
{
	struct ruleset *left;
	int r = ruleset_expire_rules(*rules, clock_real_ns() / SECOND, &left);

	if (r)
		return r;
	ruleset_unref(*rules);
	*rules = left;
	return 0;
}

int command_drop_expired(const struct options *o, struct store_tail *saved, struct ruleset **rules)
{
	const size_t n = ruleset_count(*rules), patches = (*rules)->patches.n;
	int r = drop_expired(rules);

	if (r)
		return r;
	if (n > ruleset_count(*rules))
		log_line("app-fw: the time of %zu rules is over", n - ruleset_count(*rules));
	if (patches > (*rules)->patches.n)
		log_line("app-fw: the time of %zu patches is over", patches - (*rules)->patches.n);
	r = saved && o->state ? store_save(o->state, *rules, saved) : 0;
	if (r)
		log_line("app-fw: cannot save the rules in %s: %s", o->state, strerror(-r));
	return 0;
}

int command_load(const struct options *o, struct ruleset **out, struct store_tail *saved)
{
	_cleanup_(cleanup_loaded) struct loaded l = {.n = 0};
	const struct store_taker to = taker(&l, take_change);
	struct store_tail tail = {.open = false};
	char err[STORE_ERROR_LEN];
	struct ruleset *rules;
	int r = load_begin(&l, o);

	if (!r && o->state) {
		r = store_load(o->state, &to, &tail, err);
		if (r)
			log_line("app-fw: %s", err);
		else if (tail.cut)
			log_line(
				"app-fw: %s/" STORE_FILE
				": the last line is a part of a change that was never acknowledged",
				o->state);
	}
	r = r ? r : ruleset_load_patches(l.rs);
	r = r ? r : ruleset_append(l.rs, l.rules, l.n, &rules);
	if (r)
		return r;
	r = command_drop_expired(o, &tail, &rules);
	if (r == -ENOMEM) {
		ruleset_unref(rules);
		return r;
	}
	*out = rules;
	*saved = tail;
	return 0;
}

int command_reload(struct daemon *d)
{
	struct ruleset *rules;
	enum mode mode;
	int r = command_load_mode(&d->options, &mode);

	r = r ? r : command_load(&d->options, &rules, &d->saved);
	if (r)
		return r;
	rules->epoch = d->rules->epoch + 1;
	ruleset_reserve_ids(rules, d->rules->patches.next_id);
	command_end_trial(d); /* what it would be rolled back to is what was just read */
	command_publish(d, rules);
	command_publish_mode(d, mode);
	r = command_sig_reload(d);
	if (r)
		return r;
	log_line("app-fw: rules reloaded");
	return 0;
}

enum wire_status command_save(struct daemon *d, const json_t *request, json_t **reply)
{
	_cleanup_free_ char *text = store_format(d->rules);

	(void)request;
	if (!text)
		return command_refuse(reply, "%s", strerror(ENOMEM));
	*reply = json_pack("{s:s}", "text", text);
	return WIRE_OK;
}

static int parse(struct daemon *d, const json_t *text, struct ruleset **out, json_t **counts,
		 char err[STORE_ERROR_LEN])
{
	_cleanup_(cleanup_loaded) struct loaded l = {.n = 0};
	const struct store_taker to = taker(&l, NULL);
	int r = load_begin(&l, &d->options);

	*err = '\0';
	r = r ? r : store_parse(json_string_value(text), json_string_length(text), &to, err);
	r = r ? r : ruleset_load_patches(l.rs);
	r = r ? r : ruleset_append(l.rs, l.rules, l.n, out);
	if (r && !*err)
		strcpy(err, strerror(-r));
	if (r)
		return r;
	/* Out of memory, they go when their timer runs: at once. */
	drop_expired(out);
	*counts = json_pack("{s:I, s:I, s:I}", "rules", (json_int_t)ruleset_count(*out), "sets",
			    (json_int_t)(*out)->n_sets, "expired",
			    (json_int_t)(l.n - ruleset_count(*out)));
	return 0;
}

/* Takes over the rules. Another restore takes the place of one that waits to be confirmed. */
static enum wire_status put(struct daemon *d, struct ruleset *rules, uint64_t seconds,
			    json_t **reply)
{
	enum wire_status status;

	if (seconds)
		return command_try_rules(d, rules, seconds, reply);
	status = command_replace(d, rules, reply);
	if (status == WIRE_OK && d->trial.of == TRIAL_RULES)
		command_end_trial(d);
	return status;
}

/* All of it is built before anything changes, and then put in force as one rule set. */
enum wire_status command_restore(struct daemon *d, const json_t *request, json_t **reply)
{
	const json_t *text = json_object_get(request, "text");
	char err[STORE_ERROR_LEN];
	struct ruleset *rules;
	enum wire_status status;
	uint64_t seconds;
	json_t *counts;

	if (!command_get_confirm(request, &seconds, reply))
		return WIRE_REFUSED;
	if (!json_is_string(text))
		return command_refuse(reply, "the request has no text");
	if (parse(d, text, &rules, &counts, err))
		return command_refuse(reply, "%s", err);
	if (!command_patch_check(d, rules, reply)) {
		ruleset_unref(rules);
		json_decref(counts);
		return WIRE_REFUSED;
	}
	rules->epoch = d->rules->epoch + 1;
	ruleset_reserve_ids(rules, d->rules->patches.next_id);
	status = put(d, rules, seconds, reply);
	malloc_trim(
		0); /* of many small rules that are gone, nothing would be given back by itself */
	if (status == WIRE_OK && seconds)
		json_object_set_new(counts, "confirm_within_s", json_integer((json_int_t)seconds));
	if (status == WIRE_OK)
		*reply = counts;
	else
		json_decref(counts);
	return status;
}
