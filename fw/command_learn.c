// SPDX-License-Identifier: GPL-2.0-or-later
#include "command_learn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "common/cleanup.h"
#include "learn_plan.h"
#include "store.h"

#define PORTS_FILE "/proc/sys/net/ipv4/ip_local_port_range"

struct lesson {
	struct judge *judge;
	struct learn *learn;
};

static void put_in_force(void *cookie)
{
	struct lesson *l = cookie;

	judge_set_learn(l->judge, l->learn);
}

/* From here on the data thread adds to it, or (NULL) to none. */
static void learn_into(struct daemon *d, struct learn *learn)
{
	struct lesson lesson = {d->judge, learn};

	mailbox_call(d->mailbox, put_in_force, &lesson);
	d->learning = learn;
}

/* The ports that this machine gives to clients; Linux's own default where it does not say. */
static struct port_range client_ports(void)
{
	_cleanup_fclose_ FILE *f = fopen(PORTS_FILE, "re");
	struct port_range ports;

	if (f && fscanf(f, "%hu %hu", &ports.first, &ports.last) == 2 && ports.first <= ports.last)
		return ports;
	return (struct port_range){32768, 60999};
}

static int begin(struct daemon *d)
{
	struct port_range ports = client_ports();
	struct learn *learn = learn_new(ports.first, ports.last), *before = d->learn;

	if (!learn)
		return -ENOMEM;
	learn_into(d, learn);
	d->learn = learn;
	learn_free(before);
	return 0;
}

static uint64_t packets_seen(const struct learn *l)
{
	uint64_t sum = 0;

	for (int c = 0; c < CHAIN_COUNT; c++)
		sum += learn_counted(l, c, LEARN_SEEN);
	return sum;
}

static json_t *report(const struct daemon *d)
{
	const struct learn_entry *entries;

	return json_pack("{s:b, s:s, s:I, s:I}", "learning", d->learning, "mode",
			 mode_name(d->mode), "packets", (json_int_t)packets_seen(d->learn), "kinds",
			 (json_int_t)learn_entries(d->learn, &entries));
}

enum wire_status command_learn(struct daemon *d, const json_t *request, json_t **reply)
{
	const json_t *learn = json_object_get(request, "learn");
	bool resume = json_is_true(json_object_get(request, "resume"));

	if (!json_is_boolean(learn))
		return command_refuse(reply, "learn: expected true or false");
	if (json_is_false(learn)) {
		if (!d->learning)
			return command_refuse(reply, "learn stop: nothing is being learned");
		learn_into(d, NULL);
	} else if (resume) {
		if (!d->learn)
			return command_refuse(reply,
					      "learn start --resume: nothing was learned before");
		learn_into(d, d->learn);
	} else if (begin(d)) {
		return command_refuse(reply, "%s", strerror(ENOMEM));
	}
	*reply = report(d);
	return WIRE_OK;
}

/* One number of the request, if it is there. */
static bool get_number(const json_t *request, const char *key, json_int_t most, json_int_t *out,
		       json_t **reply)
{
	const json_t *value = json_object_get(request, key);

	if (!value)
		return true;
	*out = json_integer_value(value);
	if (json_is_integer(value) && *out >= 0 && *out <= most)
		return true;
	command_refuse(reply, "%s: expected a number 0..%lld", key, (long long)most);
	return false;
}

static bool get_options(const json_t *request, struct learn_options *out, json_t **reply)
{
	json_int_t prefix4 = 32, prefix6 = 128, wide = LEARN_WIDE_DEFAULT;

	if (!get_number(request, "prefix4", 32, &prefix4, reply) ||
	    !get_number(request, "prefix6", 128, &prefix6, reply) ||
	    !get_number(request, "wide", LEARN_WIDE_MAX, &wide, reply))
		return false;
	*out = (struct learn_options){(uint8_t)prefix4, (uint8_t)prefix6, (uint32_t)wide};
	return true;
}

/* A path may not be UTF-8; learn_plan_name() has seen to that. */
static json_t *report_suggestion(const struct learn_plan *plan, const struct suggestion *s)
{
	char text[RULE_TEXT_MAX], name[LEARN_NAME_LEN], excess[LEARN_EXCESS_LEN];
	struct rule rule;

	learn_plan_rule(plan, s, &rule);
	rule_format(&rule, text);
	learn_plan_name(plan, s->party, name);
	learn_plan_excess(s, excess);
	return json_pack("{s:s, s:s, s:I, s:I, s:s}", "rule", text, "program", name, "packets",
			 (json_int_t)s->packets, "kinds", (json_int_t)s->kinds, "lets_pass",
			 excess);
}

static json_t *report_suggestions(const struct learn_plan *plan, const struct suggestion *s,
				  size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, report_suggestion(plan, &s[i]));
	return list;
}

static json_t *report_counts(const struct learn *l)
{
	static const char *const names[LEARN_COUNT] = {
		[LEARN_SEEN] = "learned",  [LEARN_RULED] = "ruled",   [LEARN_DENIED] = "dropped",
		[LEARN_KERNEL] = "kernel", [LEARN_OPAQUE] = "opaque", [LEARN_LEFT] = "left_out",
	};
	json_t *counts = json_object();

	for (int which = 0; which < LEARN_COUNT; which++) {
		uint64_t sum = 0;

		for (int c = 0; c < CHAIN_COUNT; c++)
			sum += learn_counted(l, c, which);
		json_object_set_new(counts, names[which], json_integer((json_int_t)sum));
	}
	return counts;
}

static enum wire_status reply_with(const struct daemon *d, const struct learn_plan *plan,
				   json_t **reply)
{
	_cleanup_free_ char *in_force = store_format(d->rules);
	_cleanup_free_ char *text = in_force ? learn_plan_text(plan, in_force) : NULL;

	if (!text)
		return command_refuse(reply, "%s", strerror(ENOMEM));
	*reply = json_pack("{s:s, s:b, s:o, s:o, s:o}", "text", text, "learning", d->learning,
			   "packets", report_counts(plan->learn), "rules",
			   report_suggestions(plan, plan->rules, plan->n_rules), "not_allowed",
			   report_suggestions(plan, plan->others, plan->n_others));
	return *reply ? WIRE_OK : command_refuse(reply, "%s", strerror(ENOMEM));
}

enum wire_status command_suggest(struct daemon *d, const json_t *request, json_t **reply)
{
	struct learn_options options;
	enum wire_status status;
	struct learn_plan plan;

	if (!get_options(request, &options, reply))
		return WIRE_REFUSED;
	if (!d->learn)
		return command_refuse(reply, "learn suggest: nothing was learned: see learn start");
	if (learn_plan(d->learn, &options, d->rules, &plan))
		return command_refuse(reply, "%s", strerror(ENOMEM));
	status = reply_with(d, &plan, reply);
	learn_plan_free(&plan);
	return status;
}
