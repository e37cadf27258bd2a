// SPDX-License-Identifier: GPL-2.0-or-later
#include "metrics_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "common/cleanup.h"
#include "common/memstream.h"
#include "common/utf8.h"
#include "probe_names.h"

#define NS_PER_S UINT64_C(1000000000)

/* --- Words of the format --- */

/* HELP and label values: what is not UTF-8, or would steer a terminal, does not leave here. */
static void put_escaped(FILE *out, const char *text)
{
	bool printable = utf8_is_printable(text);

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '\n')
			fputs("\\n", out);
		else if (c == '\\' || c == '"')
			fprintf(out, "\\%c", c);
		else
			fputc(printable || (c >= ' ' && c < 0x7f) ? c : '?', out);
	}
}

/* The metadata; unit may be NULL, else the name ends with it. */
static void put_family(FILE *out, const char *name, const char *type, const char *unit,
		       const char *help)
{
	fprintf(out, "# TYPE appfw_%s %s\n", name, type);
	if (unit)
		fprintf(out, "# UNIT appfw_%s %s\n", name, unit);
	fprintf(out, "# HELP appfw_%s ", name);
	put_escaped(out, help);
	fputc('\n', out);
}

/* before: what stands before this label, "{" or ",". */
static void put_label(FILE *out, const char *before, const char *name, const char *value)
{
	fprintf(out, "%s%s=\"", before, name);
	put_escaped(out, value);
	fputc('"', out);
}

static void put_seconds(FILE *out, uint64_t ns)
{
	fprintf(out, " %" PRIu64 ".%09" PRIu64 "\n", ns / NS_PER_S, ns % NS_PER_S);
}

static void put_gauge(FILE *out, const char *name, const char *help, uint64_t value)
{
	put_family(out, name, "gauge", NULL, help);
	fprintf(out, "appfw_%s %" PRIu64 "\n", name, value);
}

static void put_seconds_gauge(FILE *out, const char *name, const char *help, uint64_t ns)
{
	put_family(out, name, "gauge", "seconds", help);
	fprintf(out, "appfw_%s", name);
	put_seconds(out, ns);
}

static void put_counter(FILE *out, const char *name, const char *help, uint64_t value)
{
	put_family(out, name, "counter", NULL, help);
	fprintf(out, "appfw_%s_total %" PRIu64 "\n", name, value);
}

/* A state set has one sample for each state it knows. */
static void put_state(FILE *out, const char *name, const char *state, bool on)
{
	fprintf(out, "appfw_%s{appfw_%s=\"%s\"} %d\n", name, name, state, on);
}

/* --- What it is and how it is --- */

static void put_infos(FILE *out, const struct figures *f)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", f->pid);
	put_family(out, "build", "info", NULL, "the program");
	put_label(out, "appfw_build_info{", "version", f->version);
	fputs("} 1\n", out);
	put_family(out, "daemon", "info", NULL,
		   "the process, its probes, how they note packets, and its clock");
	put_label(out, "appfw_daemon_info{", "pid", pid);
	put_label(out, ",", "probes", f->object);
	put_label(out, ",", "notes", f->notes);
	put_label(out, ",", "clock", f->clock);
	fputs("} 1\n", out);
	put_family(out, "clock_hertz", "gauge", "hertz", "frequency of the TSC");
	fprintf(out, "appfw_clock_hertz %" PRIu64 "\n", f->hz);
	put_seconds_gauge(out, "uptime_seconds", "since it started", f->uptime_ns);
}

static void put_mode(FILE *out, const struct figures *f)
{
	put_family(out, "mode", "stateset", NULL, "whether verdicts are carried out");
	for (int m = 0; m < MODE_COUNT; m++)
		put_state(out, "mode", mode_name(m), f->mode == (enum mode)m);
	put_family(out, "confirm", "stateset", NULL, "what is rolled back unless it is confirmed");
	put_state(out, "confirm", "mode", f->trial == TRIAL_MODE);
	put_state(out, "confirm", "rules", f->trial == TRIAL_RULES);
	put_seconds_gauge(out, "confirm_left_seconds",
			  "until that is rolled back; 0: nothing waits", f->trial_left_ns);
}

static void put_reason(FILE *out, const char *reason, bool on)
{
	put_label(out, "appfw_degraded{", "reason", reason);
	fprintf(out, "} %d\n", on);
}

static void put_health(FILE *out, const struct figures *f)
{
	bool degraded = f->notes_missing;

	for (size_t i = 0; i < HEALTH_LOSSES; i++)
		degraded |= f->lost[i];
	put_family(out, "state", "stateset", NULL, "whether all is as it should be");
	put_state(out, "state", "ok", !degraded);
	put_state(out, "state", "degraded", degraded);
	put_family(out, "degraded", "gauge", NULL, "1 for each reason to be degraded");
	for (size_t i = 0; i < HEALTH_LOSSES; i++)
		put_reason(out, health_text(i), f->lost[i]);
	put_reason(out, NO_NOTES_TEXT, f->notes_missing);
}

static void put_queues(FILE *out, const struct figures *f)
{
	put_family(out, "queue", "info", NULL,
		   "each queue, and what becomes of packets by default");
	for (size_t i = 0; i < f->n_queues; i++) {
		enum chain c = f->queues[i].chain;

		fprintf(out,
			"appfw_queue_info{chain=\"%s\",queue=\"%u\",policy=\"%s\",unknown=\"%s\","
			"kernel=\"%s\",fail=\"closed\"} 1\n",
			chain_name(c), f->queues[i].number,
			verdict_name(f->rules->chains[c].policy),
			verdict_name(f->rules->unknown[c]), verdict_name(f->rules->kernel[c]));
	}
}

static void put_amounts(FILE *out, const struct figures *f)
{
	put_gauge(out, "held_packets", "packets that wait for a digest at this moment", f->held);
	put_gauge(out, "processes", "processes on record", f->processes);
	put_gauge(out, "sockets", "sockets on record", f->sockets);
	put_gauge(out, "objects", "objects whose digest is known or being found", f->objects);
}

/* --- What it has counted and timed --- */

static void put_counters(FILE *out, const struct figures *f)
{
	for (int c = 0; c < COUNT_COUNT; c++)
		put_counter(out, counter_name(c), counter_help(c), f->stats.counter[c]);
	for (int c = 0; c < PCOUNT_COUNT; c++)
		put_counter(out, probe_counter_name(c), probe_counter_help(c), f->probe[c]);
	put_counter(out, PROBES_MISSED_NAME, PROBES_MISSED_HELP, f->probes_missed);
}

/* The same on every machine and at every start, so that series can be added up. */
static const struct {
	const char *le; /* in seconds */
	uint64_t ns;
} bounds[] = {
	{"5e-08", 50},		{"1e-07", 100},	    {"2e-07", 200},	 {"5e-07", 500},
	{"1e-06", 1000},	{"2e-06", 2000},    {"5e-06", 5000},	 {"1e-05", 10000},
	{"2e-05", 20000},	{"5e-05", 50000},   {"0.0001", 100000},	 {"0.0002", 200000},
	{"0.0005", 500000},	{"0.001", 1000000}, {"0.002", 2000000},	 {"0.005", 5000000},
	{"0.01", 10000000},	{"0.02", 20000000}, {"0.05", 50000000},	 {"0.1", 100000000},
	{"0.2", 200000000},	{"0.5", 500000000}, {"1.0", 1000000000}, {"2.0", 2000000000},
	{"5.0", 5000000000ull},
};

static void put_stage(FILE *out, const char *stage, const struct histogram *h, uint64_t hz)
{
	static const char name[] = "appfw_stage_duration_seconds";

	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		uint64_t ticks = (uint64_t)((unsigned __int128)bounds[i].ns * hz / NS_PER_S);

		fprintf(out, "%s_bucket{stage=\"%s\",le=\"%s\"} %" PRIu64 "\n", name, stage,
			bounds[i].le, histogram_at_most(h, ticks));
	}
	fprintf(out, "%s_bucket{stage=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", name, stage, h->count);
	fprintf(out, "%s_count{stage=\"%s\"} %" PRIu64 "\n", name, stage, h->count);
	fprintf(out, "%s_sum{stage=\"%s\"}", name, stage);
	put_seconds(out, clock_ticks_to_ns(h->sum, hz));
}

static void put_stages(FILE *out, const struct figures *f)
{
	put_family(out, "stage_duration_seconds", "histogram", "seconds",
		   "how long each stage of a decision took");
	for (int s = 0; s < STAGE_COUNT; s++)
		put_stage(out, stage_name(s), &f->stats.stage[s], f->hz);
	put_family(out, "stage_duration_max_seconds", "gauge", "seconds",
		   "the longest that each stage took");
	for (int s = 0; s < STAGE_COUNT; s++) {
		fprintf(out, "appfw_stage_duration_max_seconds{stage=\"%s\"}", stage_name(s));
		put_seconds(out, clock_ticks_to_ns(f->stats.stage[s].max, f->hz));
	}
}

/* --- Rules --- */

static uint64_t packets_of(const struct rule_count *count)
{
	return __atomic_load_n(&count->packets, __ATOMIC_RELAXED);
}

static uint64_t bytes_of(const struct rule_count *count)
{
	return __atomic_load_n(&count->bytes, __ATOMIC_RELAXED);
}

static void put_of_each_rule(FILE *out, const char *sample, const struct ruleset *rules,
			     uint64_t (*of)(const struct rule_count *count))
{
	for (int c = 0; c < CHAIN_COUNT; c++) {
		const struct rule_list *list = &rules->chains[c].list;

		for (size_t i = 0; i < list->n; i++) {
			const struct rule_entry *e = rule_list_at(list, i);

			fprintf(out, "%s{chain=\"%s\",index=\"%zu\"", sample, chain_name(c), i);
			put_label(out, ",", "note", e->rule.note);
			fprintf(out, "} %" PRIu64 "\n", of(e->count));
		}
	}
}

static void put_rules(FILE *out, const struct ruleset *rules)
{
	put_gauge(out, "rules_epoch", "grows with each change of the rules", rules->epoch);
	put_family(out, "rules", "gauge", NULL, "rules in force");
	for (int c = 0; c < CHAIN_COUNT; c++)
		fprintf(out, "appfw_rules{chain=\"%s\"} %zu\n", chain_name(c),
			rules->chains[c].list.n);
	put_family(out, "rule_packets", "counter", NULL, "packets that met the rule");
	put_of_each_rule(out, "appfw_rule_packets_total", rules, packets_of);
	put_family(out, "rule_bytes", "counter", "bytes", "the length of these packets");
	put_of_each_rule(out, "appfw_rule_bytes_total", rules, bytes_of);
}

static void put_of_each_patch(FILE *out, const char *sample, const struct patch_list *patches,
			      uint64_t (*of)(const struct rule_count *count))
{
	for (size_t i = 0; i < patches->n; i++) {
		const struct patch_entry *e = patches->entries[i];

		fprintf(out, "%s{patch=\"%" PRIu64 "\"", sample, e->patch.id);
		put_label(out, ",", "note", e->patch.rule.note);
		fprintf(out, "} %" PRIu64 "\n", of(e->count));
	}
}

static void put_patches(FILE *out, const struct patch_list *patches)
{
	put_gauge(out, "patches", "virtual patches in force", patches->n);
	put_family(out, "patch_packets", "counter", NULL, "packets that met the patch");
	put_of_each_patch(out, "appfw_patch_packets_total", patches, packets_of);
	put_family(out, "patch_bytes", "counter", "bytes", "the length of these packets");
	put_of_each_patch(out, "appfw_patch_bytes_total", patches, bytes_of);
}

static void put_signatures(FILE *out, const struct figures *f)
{
	put_gauge(out, "signatures", "payload signatures that were loaded", f->n_signatures);
	put_family(out, "signature_matches", "counter", NULL,
		   "how often a signature was met; of those that were, the first 1,000 by sid");
	for (size_t i = 0; i < f->n_met; i++) {
		const struct sig_rule *r = f->met[i];

		fprintf(out, "appfw_signature_matches_total{sid=\"%" PRIu32 "\",action=\"%s\"",
			r->sid, sig_action_name(r->action));
		put_label(out, ",", "msg", r->msg);
		fprintf(out, "} %" PRIu64 "\n", __atomic_load_n(&r->hits, __ATOMIC_RELAXED));
	}
}

char *metrics_text(const struct figures *f, size_t *length)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, length);

	if (!out)
		return NULL;
	put_infos(out, f);
	put_health(out, f);
	put_mode(out, f);
	put_queues(out, f);
	put_amounts(out, f);
	put_counters(out, f);
	put_stages(out, f);
	put_rules(out, f->rules);
	put_patches(out, &f->rules->patches);
	put_signatures(out, f);
	fputs("# EOF\n", out);
	return memstream_end(out, &text);
}
