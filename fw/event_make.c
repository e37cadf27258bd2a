// SPDX-License-Identifier: GPL-2.0-or-later
#include "event_make.h"

#include <string.h>

#include "cgroup_text.h"
#include "set.h"

static bool states(const struct rule *r, enum match m)
{
	return r->have & ~r->neg & MATCH_BIT(m);
}

bool event_matched(const struct rule *rule, const struct holder *h, struct sha256 *out)
{
	const struct sha256 *met;

	if (states(rule, MATCH_SNG_HASH) && objset_has(h->objects, &rule->sng)) {
		*out = rule->sng;
		return true;
	}
	met = states(rule, MATCH_SET) && rule->members ? set_met(rule->members, h->objects) : NULL;
	if (met) {
		*out = *met;
		return true;
	}
	if (states(rule, MATCH_SCRIPT) &&
	    (h->script.state == SCRIPT_SEEN || h->script.state == SCRIPT_KNOWN) &&
	    sha256_cmp(&h->script.digest, &rule->script) == 0) {
		*out = rule->script;
		return true;
	}
	return false;
}

/* Of a path that is too long the end is kept: the name of the program is there. */
static void take_path(char out[EVENT_PATH_MAX], const char *path)
{
	size_t n = strlen(path);

	if (n < EVENT_PATH_MAX) {
		memcpy(out, path, n + 1);
		return;
	}
	memcpy(out, "...", 3);
	memcpy(out + 3, path + n - (EVENT_PATH_MAX - 4), EVENT_PATH_MAX - 3);
}

int event_add_object(struct event *e, const struct sha256 *digest, const char *path)
{
	struct event_object new = {.has_digest = digest != NULL};

	if (digest)
		new.digest = *digest;
	take_path(new.path, path ? path : "");
	for (size_t i = 0; i < e->n_objects; i++) {
		const struct event_object *o = &e->objects[i];

		if (o->has_digest == new.has_digest && strcmp(o->path, new.path) == 0 &&
		    sha256_cmp(&o->digest, &new.digest) == 0)
			return (int)i;
	}
	if (e->n_objects == EVENT_OBJECTS_MAX)
		return EVENT_NO_OBJECT;
	e->objects[e->n_objects] = new;
	return (int)e->n_objects++;
}

void event_take_facts(struct event_holder *h, const struct facts *facts)
{
	if (!facts->known)
		return;
	h->facts = *facts;
	h->ppid = facts->ppid;
	h->facts.cgroups = NULL;
	h->whole = facts->cgroups != NULL;
	if (h->whole)
		cgroup_text_container(facts->cgroups, h->container);
}

static void settle(struct objects *objects, struct event *e, struct event_holder *h)
{
	const struct object *obj = objects_find(objects, &h->awaited);

	if (obj && obj->state == OBJECT_PENDING)
		return;
	h->awaited = (struct object_key){0};
	if (obj && obj->state == OBJECT_READY)
		h->program = event_add_object(e, &obj->digest, obj->path);
}

bool event_settle(struct objects *objects, struct event *e)
{
	bool settled = true;

	for (size_t i = 0; i < e->n; i++) {
		if (e->holders[i].awaited.ino)
			settle(objects, e, &e->holders[i]);
		settled &= !e->holders[i].awaited.ino;
	}
	return settled;
}

static int add_matched(struct processes *processes, struct event *e, const struct rule *rule,
		       const struct holder *h)
{
	const struct object *obj;
	struct sha256 digest;

	if (!rule || !event_matched(rule, h, &digest))
		return EVENT_NO_OBJECT;
	obj = processes_object(processes, h->pid, h->start_ns, &digest);
	return event_add_object(e, &digest, obj ? obj->path : NULL);
}

static void take_signature(struct event_signature *to, const struct sig_rule *r)
{
	to->sid = r->sid;
	to->rev = r->rev;
	to->action = sig_action_name(r->action);
	strcpy(to->msg, r->msg);
	strcpy(to->reference, r->reference);
	sig_rule_cve(r, to->cve);
}

static void take_packet(struct event *e, const struct event_about *about)
{
	const struct holders *holders = about->holders;

	e->kind = EVENT_VERDICT;
	e->seq = 0;
	e->verdict = about->verdict;
	e->enforced = about->enforced;
	e->reason = about->reason;
	e->chain = about->chain;
	e->packet = *about->packet;
	e->origin = holders->origin;
	e->cookie = holders->cookie;
	e->netns = holders->netns;
	e->has_uid = holders->has_uid;
	e->uid = holders->uid;
	e->holder = about->holder < EVENT_HOLDERS_MAX ? about->holder : EVENT_HOLDERS_MAX - 1;
	e->n_holders = holders->n;
	e->n = holders->n < EVENT_HOLDERS_MAX ? holders->n : EVENT_HOLDERS_MAX;
	e->n_objects = 0;
	e->cause = about->cause;
	if (about->signature)
		take_signature(&e->signature, about->signature);
	if (!about->rule)
		return;
	e->index = about->rule->rule.patch ? 0 : rule_chain_index(about->rules, about->rule);
	e->rule = about->rule->rule;
	e->rule.members = NULL;
}

void event_make(struct processes *processes, struct objects *objects,
		const struct event_about *about, uint64_t time_ns, struct event *out)
{
	take_packet(out, about);
	out->time_ns = time_ns;
	for (size_t i = 0; i < out->n; i++) {
		/* Of more than there is room for, the one that decided is the last. */
		const struct holder *h = &about->holders->h[i == out->holder ? about->holder : i];
		struct event_holder *to = &out->holders[i];

		*to = (struct event_holder){.pid = h->pid, .start_ns = h->start_ns};
		to->ppid = processes_parent(processes, h->pid, h->start_ns);
		event_take_facts(to, &h->facts);
		to->program = EVENT_NO_OBJECT;
		if (!processes_program(processes, h->pid, h->start_ns, h->map_stamp, &to->awaited))
			settle(objects, out, to);
		to->matched =
			add_matched(processes, out, about->rule ? &about->rule->rule : NULL, h);
	}
}
