/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/doctor_checks.c"

#include "expect.h"
#include "unit.h"

#define QUEUED(chain, rest) "*filter\n-A " chain " -j NFQUEUE --queue-num " rest "\nCOMMIT\n"

static char output_and_input[] = "*filter\n"
				 "-A INPUT -j NFQUEUE --queue-num 1\n"
				 "-A OUTPUT -j NFQUEUE --queue-num 0 --queue-bypass\n"
				 "COMMIT\n";
static char both_bound[] = "    0  12345     0 2 65531     0     0      101  1\n"
			   "    1  12346     0 2 65531     0     0      101  1\n"
			   "    2  12347     0 2 65531     0     0      101  1\n";

static json_t *parse(const char *text)
{
	json_t *json = json_loads(text, 0, NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(json);
	return json;
}

/* All is well. json_decref() of status and stats. */
static struct doctor_facts well(void)
{
	return (struct doctor_facts){
		.release = "6.12.1-amd64",
		.has_btf = true,
		.has_bpffs = true,
		.has_tracefs = true,
		.tsc_invariant = true,
		.saved = {output_and_input, output_and_input},
		.bound = both_bound,
		.status = parse("{\"pid\": 7, \"mode\": \"enforce\", \"degraded\": [], "
				"\"state_dir\": \"/var/lib/app-fw\", \"queues\": ["
				"{\"chain\": \"OUTPUT\", \"queue\": 0}, {\"chain\": \"INPUT\", "
				"\"queue\": 1}, "
				"{\"chain\": \"FORWARD\", \"queue\": 2}]}"),
		.stats = parse(
			"{\"counters\": {\"queued\": 1000, \"unknown\": 1, \"queue_dropped\": 0}}"),
	};
}

/* Whether these facts give a line of that check at that level with that text, and the report that
 * result. */
static void expect_said(const struct doctor_facts *f, const char *result, const char *check,
			const char *level, const char *text)
{
	json_t *report = doctor_check(f), *c;
	bool said = false;
	size_t i;

	CU_ASSERT_PTR_NOT_NULL_FATAL(report);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(report, "result")), result);
	json_array_foreach(json_object_get(report, "checks"), i, c)
		said |= strcmp(json_string_value(json_object_get(c, "check")), check) == 0 &&
			strcmp(json_string_value(json_object_get(c, "level")), level) == 0 &&
			strstr(json_string_value(json_object_get(c, "text")), text);
	expect(said, "%s: no line of %s, %s: %s", result, check, level, text);
	json_decref(report);
}

static void drop(struct doctor_facts *f)
{
	json_decref(f->status);
	json_decref(f->stats);
}

static void where_all_is_well_it_says_so(void)
{
	struct doctor_facts f = well();

	expect_said(&f, "ok", "output", "ok", "fails open");
	expect_said(&f, "ok", "input", "ok", "fails closed");
	expect_said(&f, "ok", "forward", "ok", "nothing is forwarded");
	expect_said(&f, "ok", "losses", "ok", "nothing was lost");
	drop(&f);
}

static void what_the_machine_lacks_is_named(void)
{
	struct doctor_facts f = well();

	strcpy(f.release, "5.15.0");
	expect_said(&f, "fail", "kernel", "fail", "too old");
	strcpy(f.release, "6.1.0-30-amd64");
	expect_said(&f, "warn", "kernel", "warn", "6.1.0");
	strcpy(f.release, "strange");
	expect_said(&f, "warn", "kernel", "warn", "strange");
	strcpy(f.release, "7.0");
	f.has_btf = false;
	expect_said(&f, "fail", "btf", "fail", "no BTF");
	f.has_btf = true;
	f.has_bpffs = f.has_tracefs = f.tsc_invariant = false;
	f.netfilter_program = -EINVAL;
	strcpy(f.hidepid, "invisible");
	expect_said(&f, "warn", "mounts", "warn", "/sys/fs/bpf");
	expect_said(&f, "warn", "mounts", "warn", "/sys/kernel/tracing");
	expect_said(&f, "warn", "tsc", "warn", "invariant");
	expect_said(&f, "warn", "programs", "warn", "Invalid argument");
	expect_said(&f, "warn", "hidepid", "warn", "hidepid=invisible");
	drop(&f);
}

/* The machine and the rules are looked at all the same. */
static void without_a_daemon_it_goes_on(void)
{
	struct doctor_facts f = well();

	drop(&f);
	f.status = f.stats = NULL;
	strcpy(f.no_daemon, "cannot reach it");
	expect_said(&f, "fail", "daemon", "fail", "cannot reach it");
	expect_said(&f, "fail", "output", "ok", "diverted by");
	expect_said(&f, "fail", "output", "fail", "which app-fw does not read");
}

static void what_the_daemon_says_counts(void)
{
	struct doctor_facts f = well();

	json_object_set_new(f.status, "mode", json_string("monitor"));
	expect_said(&f, "warn", "mode", "warn", "monitor");
	json_array_append_new(json_object_get(f.status, "degraded"), json_string("lost a probe"));
	expect_said(&f, "warn", "degraded", "warn", "lost a probe");
	f.state_error = -EROFS;
	expect_said(&f, "fail", "state", "fail", "Read-only");
	json_object_set_new(f.status, "state_dir", json_null());
	expect_said(&f, "warn", "state", "warn", "not saved");
	json_object_set_new(json_object_get(f.stats, "counters"), "queue_dropped", json_integer(3));
	expect_said(&f, "warn", "losses", "warn", "3 packets dropped by the kernel");
	json_object_set_new(json_object_get(f.stats, "counters"), "unknown", json_integer(11));
	expect_said(&f, "warn", "unknown", "warn", "11 of 1000");
	drop(&f);
}

static void each_way_to_go_round_it_is_told(void)
{
	static char nothing[] = "*filter\nCOMMIT\n", other[] = QUEUED("OUTPUT", "9"),
		    wrong[] = QUEUED("OUTPUT", "1"), none_bound[] = "", only_ten[] = "   10  1 0\n";
	static char before[] = "*filter\n-A OUTPUT -p udp -j ACCEPT\n"
			       "-A OUTPUT -j NFQUEUE --queue-num 0\nCOMMIT\n";
	struct doctor_facts f = well();

	f.saved[DOCTOR_IPV6] = nothing;
	expect_said(&f, "fail", "output", "fail", "OUTPUT, IPv6: not diverted");
	expect_said(&f, "fail", "input", "warn", "INPUT, IPv6: not diverted");
	f.saved[DOCTOR_IPV6] = NULL;
	expect_said(&f, "warn", "output", "warn", "ip6tables-save did not run");
	f.saved[DOCTOR_IPV6] = other;
	expect_said(&f, "fail", "output", "fail", "goes to queue 9, which app-fw does not read");
	f.saved[DOCTOR_IPV6] = wrong;
	expect_said(&f, "fail", "output", "fail", "app-fw takes it for INPUT");
	f.saved[DOCTOR_IPV6] = before;
	expect_said(&f, "warn", "output", "warn", "-p udp -j ACCEPT");
	f.saved[DOCTOR_IPV6] = output_and_input;
	f.forwarding[DOCTOR_IPV4] = 1;
	expect_said(&f, "warn", "forward", "warn", "FORWARD, IPv4: not diverted");
	f.bound = none_bound;
	expect_said(&f, "fail", "queues", "fail", "nobody serves queue 0 (OUTPUT)");
	f.bound = only_ten;
	expect_said(&f, "fail", "queues", "fail", "nobody serves queue 1 (INPUT)");
	f.bound = NULL;
	expect_said(&f, "warn", "queues", "warn", "can't be seen");
	drop(&f);
}

static const struct unit_test tests[] = {
	{"where all is well it says so", where_all_is_well_it_says_so},
	{"what the machine lacks is named", what_the_machine_lacks_is_named},
	{"without a daemon it goes on", without_a_daemon_it_goes_on},
	{"what the daemon says counts", what_the_daemon_says_counts},
	{"each way to go round it is told", each_way_to_go_round_it_is_told},
};
UNIT_SUITE("ctl/doctor_checks", tests)
