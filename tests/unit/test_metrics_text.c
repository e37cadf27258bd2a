/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "expect.h"
#include "fw/metrics_text.h"
#include "fw/probe_names.h"
#include "unit.h"

#define HZ 2000000000ull /* two ticks a nanosecond */

static const enum verdict policy[CHAIN_COUNT] = {VERDICT_ACCEPT, VERDICT_DROP, VERDICT_ACCEPT};
static const enum verdict accept[CHAIN_COUNT];

static struct figures *made(void)
{
	struct figures *f = calloc(1, sizeof(*f));

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	*f = (struct figures){.version = "1.2.3", .hz = HZ, .clock = "cpuid", .pid = 17};
	f->object = "built-in";
	f->notes = "queue";
	f->rules = ruleset_new(policy, policy, accept);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f->rules);
	return f;
}

static void discard(struct figures *f)
{
	ruleset_unref(f->rules);
	free(f);
}

static char *text_of(const struct figures *f)
{
	size_t length = 0;
	char *text = metrics_text(f, &length);

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	CU_ASSERT_EQUAL(length, strlen(text));
	return text;
}

/* How many lines are this one. */
static int lines(const char *text, const char *line)
{
	size_t n = strlen(line);
	int found = 0;

	for (const char *at = text; (at = strstr(at, line)); at += n)
		found += (at == text || at[-1] == '\n') && at[n] == '\n';
	return found;
}

static void expect_lines(const struct figures *f, const char *const *want, size_t n)
{
	_cleanup_free_ char *text = text_of(f);

	for (size_t i = 0; i < n; i++)
		expect(lines(text, want[i]) == 1, "%d times: %s", lines(text, want[i]), want[i]);
}

#define EXPECT_LINES(f, ...)                                              \
	do {                                                              \
		static const char *const want_[] = {__VA_ARGS__};         \
		expect_lines(f, want_, sizeof(want_) / sizeof(want_[0])); \
	} while (0)

static void append(struct figures *f, enum chain chain, const char *note, uint64_t packets,
		   uint64_t bytes)
{
	struct rule rule = {.chain = chain, .verdict = VERDICT_DROP};
	const struct rule_list *list;
	struct rule_count *count;
	struct ruleset *next = NULL;

	strcpy(rule.note, note);
	CU_ASSERT_EQUAL_FATAL(ruleset_append(f->rules, &rule, 1, &next), 0);
	ruleset_unref(f->rules);
	f->rules = next;
	list = &next->chains[chain].list;
	count = rule_list_at(list, list->n - 1)->count;
	count->packets = packets;
	count->bytes = bytes;
}

static void what_it_is(void)
{
	struct figures *f = made();

	f->uptime_ns = 61000000007;
	f->held = 3;
	f->processes = 4;
	f->sockets = 5;
	f->objects = 6;
	EXPECT_LINES(f, "# TYPE appfw_build info", "appfw_build_info{version=\"1.2.3\"} 1",
		     "appfw_daemon_info{pid=\"17\",probes=\"built-in\",notes=\"queue\","
		     "clock=\"cpuid\"} 1",
		     "# UNIT appfw_clock_hertz hertz", "appfw_clock_hertz 2000000000",
		     "# UNIT appfw_uptime_seconds seconds", "appfw_uptime_seconds 61.000000007",
		     "# TYPE appfw_held_packets gauge", "appfw_held_packets 3", "appfw_processes 4",
		     "appfw_sockets 5", "appfw_objects 6");
	discard(f);
}

static void its_health(void)
{
	struct figures *f = made();

	EXPECT_LINES(f, "appfw_state{appfw_state=\"ok\"} 1",
		     "appfw_state{appfw_state=\"degraded\"} 0",
		     "appfw_degraded{reason=\"receive overflows\"} 0",
		     "appfw_degraded{reason=\"" NO_NOTES_TEXT "\"} 0");
	for (size_t i = 0; i < HEALTH_LOSSES; i++) {
		char line[256];
		const char *want = line;

		snprintf(line, sizeof(line), "appfw_degraded{reason=\"%s\"} 1", health_text(i));
		f->lost[i] = true;
		expect_lines(f, &want, 1);
		EXPECT_LINES(f, "appfw_state{appfw_state=\"ok\"} 0",
			     "appfw_state{appfw_state=\"degraded\"} 1");
		f->lost[i] = false;
	}
	f->notes_missing = true;
	EXPECT_LINES(f, "appfw_state{appfw_state=\"degraded\"} 1",
		     "appfw_degraded{reason=\"" NO_NOTES_TEXT "\"} 1");
	discard(f);
}

static void its_mode(void)
{
	struct figures *f = made();

	EXPECT_LINES(f, "# TYPE appfw_mode stateset", "appfw_mode{appfw_mode=\"enforce\"} 1",
		     "appfw_mode{appfw_mode=\"monitor\"} 0",
		     "appfw_confirm{appfw_confirm=\"mode\"} 0",
		     "appfw_confirm{appfw_confirm=\"rules\"} 0",
		     "appfw_confirm_left_seconds 0.000000000");
	f->mode = MODE_MONITOR;
	f->trial = TRIAL_MODE;
	f->trial_left_ns = 1500000000;
	EXPECT_LINES(f, "appfw_mode{appfw_mode=\"enforce\"} 0",
		     "appfw_mode{appfw_mode=\"monitor\"} 1",
		     "appfw_confirm{appfw_confirm=\"mode\"} 1",
		     "appfw_confirm_left_seconds 1.500000000");
	f->trial = TRIAL_RULES;
	EXPECT_LINES(f, "appfw_confirm{appfw_confirm=\"mode\"} 0",
		     "appfw_confirm{appfw_confirm=\"rules\"} 1");
	discard(f);
}

static void its_queues(void)
{
	struct figures *f = made();

	f->n_queues = 2;
	f->queues[0] = (struct figures_queue){CHAIN_INPUT, 1};
	f->queues[1] = (struct figures_queue){CHAIN_OUTPUT, 65535};
	EXPECT_LINES(f,
		     "appfw_queue_info{chain=\"INPUT\",queue=\"1\",policy=\"ACCEPT\","
		     "unknown=\"ACCEPT\",kernel=\"ACCEPT\",fail=\"closed\"} 1",
		     "appfw_queue_info{chain=\"OUTPUT\",queue=\"65535\",policy=\"DROP\","
		     "unknown=\"DROP\",kernel=\"ACCEPT\",fail=\"closed\"} 1");
	discard(f);
}

static void expect_counter(const char *text, const char *name, const char *help, uint64_t value)
{
	char line[256];

	snprintf(line, sizeof(line),
		 "# TYPE appfw_%s counter\n# HELP appfw_%s %s\nappfw_%s_total %llu", name, name,
		 help, name, (unsigned long long)value);
	expect(lines(text, line) == 1, "%s", line);
}

static void every_counter(void)
{
	struct figures *f = made();
	_cleanup_free_ char *text = NULL;

	for (int c = 0; c < COUNT_COUNT; c++)
		f->stats.counter[c] = 1000 + (uint64_t)c;
	f->stats.counter[COUNT_QUEUED] = UINT64_MAX;
	for (int c = 0; c < PCOUNT_COUNT; c++)
		f->probe[c] = 2000 + (uint64_t)c;
	f->probes_missed = 3000;
	text = text_of(f);
	for (int c = 0; c < COUNT_COUNT; c++)
		expect_counter(text, counter_name(c), counter_help(c), f->stats.counter[c]);
	for (int c = 0; c < PCOUNT_COUNT; c++)
		expect_counter(text, probe_counter_name(c), probe_counter_help(c), f->probe[c]);
	expect_counter(text, PROBES_MISSED_NAME, PROBES_MISSED_HELP, 3000);
	discard(f);
}

#define BUCKET "appfw_stage_duration_seconds_bucket{stage=\"decide\",le="

/* 60 ticks are 30 ns, 3000 are 1.5 us, and 10^11 are 50 s. */
static void timings(void)
{
	struct figures *f = made();
	struct histogram *h = &f->stats.stage[STAGE_DECIDE];

	histogram_add(h, 60, 5);
	histogram_add(h, 3000, 2);
	histogram_add(h, 100000000000, 1);
	EXPECT_LINES(f, "# TYPE appfw_stage_duration_seconds histogram",
		     "# UNIT appfw_stage_duration_seconds seconds", BUCKET "\"5e-08\"} 5",
		     BUCKET "\"1e-06\"} 5", BUCKET "\"2e-06\"} 7", BUCKET "\"5.0\"} 7",
		     BUCKET "\"+Inf\"} 8", "appfw_stage_duration_seconds_count{stage=\"decide\"} 8",
		     "appfw_stage_duration_seconds_sum{stage=\"decide\"} 50.000003150",
		     "appfw_stage_duration_max_seconds{stage=\"decide\"} 50.000000000",
		     "appfw_stage_duration_seconds_count{stage=\"receive\"} 0",
		     "appfw_stage_duration_seconds_bucket{stage=\"hash\",le=\"+Inf\"} 0",
		     "appfw_stage_duration_max_seconds{stage=\"verdict\"} 0.000000000");
	discard(f);
}

/* le as a number grows, and so does what is counted up to it. */
static void buckets_are_in_order(void)
{
	struct figures *f = made();
	_cleanup_free_ char *text = NULL;
	double le, le_before = 0;
	long long n, n_before = 0;
	int found = 0;

	for (uint64_t v = 1; v < 1000000000000; v += v / 3 + 1)
		histogram_add(&f->stats.stage[STAGE_DECIDE], v, 1);
	text = text_of(f);
	for (const char *at = text; (at = strstr(at, BUCKET)); at++, found++) {
		if (!expect(sscanf(at + strlen(BUCKET), "\"%lf\"} %lld", &le, &n) == 2, "%.99s",
			    at))
			break;
		expect(le > le_before && n >= n_before, "%.99s", at);
		le_before = le;
		n_before = n;
	}
	CU_ASSERT_EQUAL(found, 26);
	CU_ASSERT_EQUAL(n_before, (long long)f->stats.stage[STAGE_DECIDE].count);
	discard(f);
}

static void each_rule(void)
{
	struct figures *f = made();

	append(f, CHAIN_INPUT, "", 1, 2);
	append(f, CHAIN_OUTPUT, "no curl", 3, 4);
	append(f, CHAIN_OUTPUT, "", UINT64_MAX, 5);
	EXPECT_LINES(f, "appfw_rules_epoch 4", "appfw_rules{chain=\"INPUT\"} 1",
		     "appfw_rules{chain=\"OUTPUT\"} 2", "appfw_rules{chain=\"FORWARD\"} 0",
		     "# TYPE appfw_rule_packets counter",
		     "appfw_rule_packets_total{chain=\"INPUT\",index=\"0\",note=\"\"} 1",
		     "appfw_rule_packets_total{chain=\"OUTPUT\",index=\"0\",note=\"no curl\"} 3",
		     "appfw_rule_packets_total{chain=\"OUTPUT\",index=\"1\",note=\"\"} "
		     "18446744073709551615",
		     "# UNIT appfw_rule_bytes bytes",
		     "appfw_rule_bytes_total{chain=\"INPUT\",index=\"0\",note=\"\"} 2",
		     "appfw_rule_bytes_total{chain=\"OUTPUT\",index=\"0\",note=\"no curl\"} 4");
	discard(f);
}

static void each_patch(void)
{
	struct figures *f = made();
	struct ruleset *next = NULL;
	struct rule_error err;
	struct patch p;

	CU_ASSERT_EQUAL_FATAL(patch_parse_text("--port 80 --note CVE", &p, &err), 0);
	p.id = 9;
	CU_ASSERT_EQUAL_FATAL(ruleset_add_patch(f->rules, &p, &next), 0);
	ruleset_unref(f->rules);
	f->rules = next;
	next->patches.entries[0]->count->packets = 7;
	next->patches.entries[0]->count->bytes = 8;
	EXPECT_LINES(f, "appfw_patches 1", "appfw_patch_packets_total{patch=\"9\",note=\"CVE\"} 7",
		     "appfw_patch_bytes_total{patch=\"9\",note=\"CVE\"} 8");
	discard(f);
}

static void each_signature_that_was_met(void)
{
	static const char *const texts[] = {
		"drop tcp any any -> any any (msg:\"say \\\"no\\\"\"; content:\"x\"; sid:5;)",
		"alert tcp any any -> any any (content:\"y\"; sid:6;)",
	};
	struct figures *f = made();
	struct sig_error err;

	f->n_signatures = 3;
	for (f->n_met = 0; f->n_met < 2; f->n_met++) {
		CU_ASSERT_EQUAL_FATAL(sig_rule_parse(texts[f->n_met], &f->met[f->n_met], &err), 0);
		f->met[f->n_met]->hits = 10 + f->n_met;
	}
	EXPECT_LINES(f, "appfw_signatures 3",
		     "appfw_signature_matches_total{sid=\"5\",action=\"drop\","
		     "msg=\"say \\\"no\\\"\"} 10",
		     "appfw_signature_matches_total{sid=\"6\",action=\"alert\",msg=\"\"} 11");
	while (f->n_met)
		sig_rule_unref(f->met[--f->n_met]);
	discard(f);
}

static void label_values_are_escaped(void)
{
	struct figures *f = made();

	append(f, CHAIN_OUTPUT, "say \"no\" to C:\\n", 0, 0);
	append(f, CHAIN_OUTPUT, "Grüße, 防火墙", 0, 0);
	append(f, CHAIN_OUTPUT, "two\nlines \033[31m", 0, 0);
	append(f, CHAIN_OUTPUT, "cut \xc3", 0, 0);
	f->object = "/tmp/\xff\"\\";
#define NOTE(index, text) \
	"appfw_rule_packets_total{chain=\"OUTPUT\",index=\"" index "\",note=\"" text "\"} 0"
	EXPECT_LINES(f, NOTE("0", "say \\\"no\\\" to C:\\\\n"), NOTE("1", "Grüße, 防火墙"),
		     NOTE("2", "two\\nlines ?[31m"), NOTE("3", "cut ?"),
		     "appfw_daemon_info{pid=\"17\",probes=\"/tmp/?\\\"\\\\\",notes=\"queue\","
		     "clock=\"cpuid\"} 1");
	discard(f);
}

/* Whether the sample's name is the family's, perhaps with a suffix. */
static bool is_of(const char *sample, const char *family)
{
	size_t n = strlen(family);

	return strncmp(sample, family, n) == 0 && strchr("_{ ", sample[n]);
}

static void families_are_whole_and_told_once(void)
{
	struct figures *f = made();
	_cleanup_free_ char *text = NULL;
	char family[128] = "", type[32], line[160], *save = NULL;

	f->n_queues = 1;
	append(f, CHAIN_OUTPUT, "one", 1, 1);
	text = text_of(f);
	CU_ASSERT(strlen(text) > 6 && strcmp(text + strlen(text) - 6, "# EOF\n") == 0);
	CU_ASSERT_EQUAL(lines(text, "# EOF"), 1);
	CU_ASSERT_PTR_NULL(strstr(text, "\n\n"));
	for (char *copy = strdup(text), *at = strtok_r(copy, "\n", &save);;
	     at = strtok_r(NULL, "\n", &save)) {
		if (!at) {
			free(copy);
			break;
		}
		if (sscanf(at, "# TYPE %127s %31s", family, type) == 2) {
			snprintf(line, sizeof(line), "# TYPE %s %s", family, type);
			expect(lines(text, line) == 1, "twice: %s", line);
		} else if (*at == '#') {
			expect(strncmp(at, "# EOF", 5) == 0 || is_of(at + 7, family),
			       "%s does not belong to %s", at, family);
		} else {
			expect(is_of(at, family), "%s is not of %s", at, family);
		}
	}
	discard(f);
}

static const struct unit_test tests[] = {
	{"each patch", each_patch},
	{"each signature that was met", each_signature_that_was_met},
	{"what it is, and how much it has", what_it_is},
	{"each reason to be degraded", its_health},
	{"the mode, and what waits to be confirmed", its_mode},
	{"each queue with its policies", its_queues},
	{"every counter, with its help", every_counter},
	{"timings in seconds", timings},
	{"buckets are in order and add up", buckets_are_in_order},
	{"each rule by chain, index and note", each_rule},
	{"label values are escaped", label_values_are_escaped},
	{"each family is told once and whole, and EOF ends it", families_are_whole_and_told_once},
};
UNIT_SUITE("fw/metrics_text", tests)
