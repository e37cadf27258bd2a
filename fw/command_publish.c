// SPDX-License-Identifier: GPL-2.0-or-later
#include "command_publish.h"
#include "clock.h"

#include <errno.h>

#include "command_config.h"
#include "command_patch.h"
#include "patch_watch.h"
#include "log.h"

#define MINUTE	     (60 * SECOND)
#define TRY_AGAIN_NS SECOND
#define SOON_NS	     1000000ull

struct publication {
	struct daemon *d;
	struct ruleset *rules, *before;
};

static void put_in_force(void *cookie)
{
	struct publication *p = cookie;

	p->before = judge_set_rules(p->d->judge, p->rules);
}

/* How long until `then`; 0 stands for never. */
static uint64_t time_left(uint64_t then, uint64_t now)
{
	if (then == 0)
		return UINT64_MAX;
	return then > now ? then - now : 1;
}

/*
 * Sets the timer for the next digest or rule whose time will be over. Rules go by the clock of the
 * day, which may be set meanwhile: where there are such, it is looked at once a minute.
 */
static void await_expiry(struct daemon *d)
{
	uint64_t digest = time_left(ruleset_next_expiry(d->rules), clock_monotonic_ns());
	uint64_t rule = time_left(ruleset_next_rule_expiry(d->rules) * SECOND, clock_real_ns());

	if (rule < UINT64_MAX && rule > MINUTE)
		rule = MINUTE;
	if (digest < UINT64_MAX || rule < UINT64_MAX)
		loop_arm(d->expiry, digest < rule ? digest : rule);
	else
		loop_disarm(d->expiry);
}

void command_publish(struct daemon *d, struct ruleset *rules)
{
	struct publication p = {.d = d, .rules = rules};

	mailbox_call(d->mailbox, put_in_force, &p);
	ruleset_unref(p.before);
	ruleset_unref(d->rules);
	d->rules = rules;
	await_expiry(d);
	patch_watch_look(d->patch_watch);
	command_patch_signatures(d);
	loop_arm(d->indexing, SOON_NS);
}

static void log_expired(const struct ruleset *before, const struct ruleset *after)
{
	for (size_t i = 0; i < after->n_sets; i++) {
		size_t gone = before->sets[i]->n_digests - after->sets[i]->n_digests;

		if (gone > 0)
			log_line("app-fw: set %s: the time of %zu digests is over",
				 after->sets[i]->name, gone);
	}
}

/* Nothing is saved: a saved digest has its time with it. 0, -EALREADY or -ENOMEM. */
static int expire_digests(struct daemon *d)
{
	struct ruleset *next;
	int r = ruleset_expire(d->rules, clock_monotonic_ns(), &next);

	if (r)
		return r;
	log_expired(d->rules, next);
	command_publish(d, next);
	return 0;
}

/* Even if it cannot be saved: their time is over, and is when they are loaded. */
static int expire_rules(struct daemon *d)
{
	struct ruleset *next = ruleset_ref(d->rules);
	int r = command_drop_expired(&d->options, d->trial.of != TRIAL_RULES ? &d->saved : NULL,
				     &next);

	if (r)
		ruleset_unref(next);
	else
		command_publish(d, next);
	return r;
}

static void on_expiry(void *cookie)
{
	struct daemon *d = cookie;
	int digests = expire_digests(d), rules = expire_rules(d);

	if (digests == -ENOMEM || rules == -ENOMEM)
		loop_arm(d->expiry, TRY_AGAIN_NS);
	else
		await_expiry(d);
}

/* When nobody waits for it; without memory, the old ones go on serving. */
static void on_indexing(void *cookie)
{
	struct daemon *d = cookie;
	struct ruleset *next;

	if (ruleset_make_indexes(d->rules, &next) == 0)
		command_publish(d, next);
}

int command_start(struct daemon *d)
{
	d->expiry = loop_add_timer(d->control_loop, on_expiry, d);
	d->indexing = loop_add_timer(d->control_loop, on_indexing, d);
	if (!d->expiry || !d->indexing)
		return -ENOMEM;
	await_expiry(d);
	return 0;
}
