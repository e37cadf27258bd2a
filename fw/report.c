// SPDX-License-Identifier: GPL-2.0-or-later
#include "report.h"

#include <unistd.h>

#include "clock.h"
#include "command_hook.h"
#include "common/instant.h"
#include "probe_names.h"

static json_t *report_rule(const struct rule_chain *c, size_t index)
{
	const struct rule_entry *e = rule_list_at(&c->list, index);
	char text[RULE_TEXT_MAX];

	rule_format(&e->rule, text);
	return json_pack("{s:I, s:s, s:I, s:I}", "index", (json_int_t)index, "rule", text,
			 "packets",
			 (json_int_t)__atomic_load_n(&e->count->packets, __ATOMIC_RELAXED), "bytes",
			 (json_int_t)__atomic_load_n(&e->count->bytes, __ATOMIC_RELAXED));
}

json_t *report_rules(const struct ruleset *rules, const enum chain *only)
{
	json_t *chains = json_array();

	for (int c = 0; c < CHAIN_COUNT; c++) {
		const struct rule_chain *chain = &rules->chains[c];
		json_t *list = json_array();

		if (only && *only != (enum chain)c) {
			json_decref(list);
			continue;
		}
		for (size_t i = 0; i < chain->list.n; i++)
			json_array_append_new(list, report_rule(chain, i));
		json_array_append_new(chains,
				      json_pack("{s:s, s:s, s:o}", "chain", chain_name(c), "policy",
						verdict_name(chain->policy), "rules", list));
	}
	return json_pack("{s:o}", "chains", chains);
}

static json_t *report_queues(const struct daemon *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->n_queues; i++) {
		const struct queue_options *q = queue_options(d->queues[i]);

		json_array_append_new(
			list,
			json_pack("{s:s, s:i, s:s, s:s, s:s, s:s}", "chain", chain_name(q->chain),
				  "queue", q->number, "policy",
				  verdict_name(d->rules->chains[q->chain].policy), "unknown",
				  verdict_name(d->rules->unknown[q->chain]), "kernel",
				  verdict_name(d->rules->kernel[q->chain]), "fail", "unknown"));
	}
	return list;
}

static json_t *report_counts(const struct ruleset *rules)
{
	json_t *counts = json_object();

	for (int c = 0; c < CHAIN_COUNT; c++)
		json_object_set_new(counts, chain_name(c), json_integer(rules->chains[c].list.n));
	json_object_set_new(counts, "patches", json_integer((json_int_t)rules->patches.n));
	return counts;
}

static json_t *make_degraded(const struct daemon *d)
{
	json_t *list = health_report(d->health, clock_monotonic_ns());

	if (probe_note_source(d->probe) == NOTE_BY_NOBODY)
		json_array_append_new(list, json_string(NO_NOTES_TEXT));
	return list;
}

/* What waits to be confirmed, or null. */
static json_t *report_trial(const struct daemon *d)
{
	const struct trial *t = &d->trial;
	uint64_t now_ns = clock_monotonic_ns(), left_s;
	char until[INSTANT_TEXT_LEN];

	if (t->of == TRIAL_NONE)
		return json_null();
	left_s = t->deadline_ns > now_ns ? (t->deadline_ns - now_ns) / SECOND : 0;
	instant_format(clock_real_ns() / SECOND + left_s, until);
	return json_pack("{s:s, s:s?, s:I, s:s}", "change", trial_name(t), "before",
			 t->of == TRIAL_MODE ? mode_name(t->mode) : NULL, "left_s",
			 (json_int_t)left_s, "until", until);
}

/* Those that were loaded, and those that patches are made of. */
static json_t *report_signatures(const struct daemon *d)
{
	char at[INSTANT_TEXT_LEN];

	instant_format(d->signatures_s, at);
	return json_pack("{s:I, s:I, s:s?, s:s?, s:o}", "loaded", (json_int_t)d->signatures.n,
			 "of_patches", (json_int_t)d->n_patches, "file", d->signatures_file, "at",
			 d->signatures_file ? at : NULL, "inspection", inspect_report(d->inspect));
}

json_t *report_status(const struct daemon *d)
{
	json_t *degraded = make_degraded(d);
	const char *state = json_array_size(degraded) ? "degraded" : "ok";

	return json_pack(
		"{s:s, s:i, s:f, s:s, s:o, s:b, s:I, s:s, s:o, s:o, s:{s:s, s:s, s:b}, s:{s:I, "
		"s:s}, "
		"s:o, s:o, s:I, "
		"s:I, "
		"s:I, "
		"s:I, s:I, s:o, s:s?}",
		"version", FW_VERSION, "pid", getpid(), "uptime_s",
		(clock_boot_ns() - d->started_ns) / 1e9, "mode", mode_name(d->mode), "confirm",
		report_trial(d), "learning", d->learning, "epoch", (json_int_t)d->rules->epoch,
		"state", state, "degraded", degraded, "queues", report_queues(d), "probes",
		"object", d->options.object ? d->options.object : "built-in", "notes",
		note_source_name(probe_note_source(d->probe)), "traces_calls",
		probe_traces_calls(d->probe), "clock", "hz", (json_int_t)d->clock.hz, "source",
		clock_source_name(d->clock.source), "rules", report_counts(d->rules), "cache",
		command_report_cache(d), "netns", (json_int_t)d->netns, "processes",
		(json_int_t)probe_count_procs(d->probe), "sockets",
		(json_int_t)probe_reap_socks(d->probe), "objects",
		(json_int_t)objects_count(d->objects), "held", (json_int_t)judge_held(d->judge),
		"signatures", report_signatures(d), "state_dir", d->options.state);
}

static json_t *report_stage(const struct daemon *d, enum stage s)
{
	const struct histogram *h = &d->stats.stage[s];
	uint64_t hz = d->clock.hz;

	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "stage", stage_name(s), "count",
			 (json_int_t)h->count, "mean_ns",
			 (json_int_t)(h->count ? clock_ticks_to_ns(h->sum / h->count, hz) : 0),
			 "p50_ns", (json_int_t)clock_ticks_to_ns(histogram_permille(h, 500), hz),
			 "p99_ns", (json_int_t)clock_ticks_to_ns(histogram_permille(h, 990), hz),
			 "max_ns", (json_int_t)clock_ticks_to_ns(h->max, hz));
}

json_t *report_stats(const struct daemon *d)
{
	json_t *stages = json_array(), *counters = json_object();

	for (int s = 0; s < STAGE_COUNT; s++)
		json_array_append_new(stages, report_stage(d, s));
	for (int c = 0; c < COUNT_COUNT; c++)
		json_object_set_new(counters, counter_name(c), json_integer(d->stats.counter[c]));
	for (int c = 0; c < PCOUNT_COUNT; c++)
		json_object_set_new(counters, probe_counter_name(c),
				    json_integer(probe_counter(d->probe, c)));
	json_object_set_new(counters, PROBES_MISSED_NAME, json_integer(probe_missed(d->probe)));
	json_object_set_new(counters, counter_name(COUNT_RESCAN),
			    json_integer(scanner_count(d->scanner)));
	json_object_set_new(counters, counter_name(COUNT_CLIENT_REFUSED),
			    json_integer(control_refused(d->control)));
	return json_pack("{s:o, s:o}", "stages", stages, "counters", counters);
}
