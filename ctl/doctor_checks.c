/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pure: what is said of facts. A row of the table at the end for each check. */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diversion.h"
#include "doctor.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#define KERNEL_LEAST   601 /* 6.1 */
#define KERNEL_NOTES   604 /* 6.4: netfilter BPF programs */
#define MANY_UNKNOWN   100 /* a packet in so many is worth a look */
#define RESTART_ADVICE "look at what app-fw logs: journalctl -u app-fw"

static const char *const levels[] = {"ok", "warn", "fail"};
static_assert(LENGTH(levels) == DOCTOR_LEVELS, "every level has a name");

static const struct {
	const char *name, *iptables;
} families[] = {
	[DOCTOR_IPV4] = {"IPv4", "iptables"},
	[DOCTOR_IPV6] = {"IPv6", "ip6tables"},
};
static_assert(LENGTH(families) == DOCTOR_FAMILIES, "every family has a name");

struct doctor_report {
	const char *check; /* that speaks */
	enum doctor_level worst;
	json_t *checks;
};

const char *doctor_level_name(enum doctor_level level)
{
	return levels[level];
}

void doctor_say(struct doctor_report *r, enum doctor_level level, const char *advice,
		const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (level > r->worst)
		r->worst = level;
	json_array_append_new(r->checks,
			      json_pack("{s:s, s:s, s:s, s:s?}", "check", r->check, "level",
					doctor_level_name(level), "text", text, "advice", advice));
}

/* --- The machine --- */

static void check_kernel(const struct doctor_facts *f, struct doctor_report *r)
{
	unsigned int major = 0, minor = 0;

	if (sscanf(f->release, "%u.%u", &major, &minor) != 2)
		doctor_say(r, DOCTOR_WARN, NULL, "kernel: no version in \"%s\"", f->release);
	else if (major * 100 + minor < KERNEL_LEAST)
		doctor_say(r, DOCTOR_FAIL, "run Linux 6.1 or later", "kernel %s is too old",
			   f->release);
	else if (major * 100 + minor < KERNEL_NOTES)
		doctor_say(r, DOCTOR_WARN, "with Linux 6.4 or later that is certain",
			   "kernel %s: senders that are gone before a forwarded packet is judged "
			   "are unknown",
			   f->release);
	else
		doctor_say(r, DOCTOR_OK, NULL, "kernel %s", f->release);
}

static void check_btf(const struct doctor_facts *f, struct doctor_report *r)
{
	if (f->has_btf)
		doctor_say(r, DOCTOR_OK, NULL, "the kernel describes its types (BTF)");
	else
		doctor_say(r, DOCTOR_FAIL, "run a kernel with CONFIG_DEBUG_INFO_BTF=y",
			   "no BTF: the probes can't be loaded");
}

static void check_programs(const struct doctor_facts *f, struct doctor_report *r)
{
	if (f->netfilter_program == 0)
		doctor_say(r, DOCTOR_OK, NULL, "netfilter BPF programs can be loaded");
	else
		doctor_say(r, DOCTOR_WARN,
			   f->netfilter_program == -EPERM ? "run ctl-fw doctor as root"
							  : "with Linux 6.4 or later they can be",
			   "netfilter BPF programs can't be loaded (%s): packets are noted as they "
			   "are queued",
			   strerror(-f->netfilter_program));
}

static void check_mounts(const struct doctor_facts *f, struct doctor_report *r)
{
	if (f->has_bpffs)
		doctor_say(r, DOCTOR_OK, NULL, "bpffs is mounted");
	else
		doctor_say(r, DOCTOR_WARN, "mount -t bpf bpf /sys/fs/bpf",
			   "bpffs is not mounted on /sys/fs/bpf");
	if (f->has_tracefs)
		doctor_say(r, DOCTOR_OK, NULL, "tracefs is mounted");
	else
		doctor_say(r, DOCTOR_WARN, "mount -t tracefs tracefs /sys/kernel/tracing",
			   "tracefs is not mounted on /sys/kernel/tracing");
}

static void check_tsc(const struct doctor_facts *f, struct doctor_report *r)
{
	if (f->tsc_invariant)
		doctor_say(r, DOCTOR_OK, NULL, "the TSC is invariant");
	else
		doctor_say(r, DOCTOR_WARN, "do not believe the timings of ctl-fw stats",
			   "the TSC is not said to be invariant");
}

static void check_hidepid(const struct doctor_facts *f, struct doctor_report *r)
{
	if (!*f->hidepid || strcmp(f->hidepid, "0") == 0 || strcmp(f->hidepid, "off") == 0)
		doctor_say(r, DOCTOR_OK, NULL, "/proc shows all processes");
	else
		doctor_say(r, DOCTOR_WARN,
			   "see that app-fw may read it: CAP_SYS_PTRACE, or the group of gid=",
			   "/proc hides processes (hidepid=%s)", f->hidepid);
}

/* --- The daemon --- */

static void check_daemon(const struct doctor_facts *f, struct doctor_report *r)
{
	if (f->status)
		doctor_say(r, DOCTOR_OK, NULL, "app-fw answers, pid %lld",
			   json_integer_value(json_object_get(f->status, "pid")));
	else
		doctor_say(r, DOCTOR_FAIL, "systemctl start app-fw, or name its --socket", "%s",
			   f->no_daemon);
}

static void check_mode(const struct doctor_facts *f, struct doctor_report *r)
{
	const char *mode = json_string_value(json_object_get(f->status, "mode"));

	if (!f->status)
		return;
	if (mode && strcmp(mode, "enforce") == 0)
		doctor_say(r, DOCTOR_OK, NULL, "verdicts are carried out (mode enforce)");
	else
		doctor_say(r, DOCTOR_WARN, "ctl-fw mode enforce",
			   "mode %s: everything passes, and is only logged", mode ? mode : "?");
	if (json_is_object(json_object_get(f->status, "confirm")))
		doctor_say(r, DOCTOR_WARN, "ctl-fw mode confirm",
			   "a change waits to be confirmed, or is rolled back");
}

static void check_degraded(const struct doctor_facts *f, struct doctor_report *r)
{
	const json_t *degraded = json_object_get(f->status, "degraded"), *why;
	size_t i;

	json_array_foreach(degraded, i, why)
		doctor_say(r, DOCTOR_WARN, RESTART_ADVICE, "degraded: %s",
			   json_is_string(why) ? json_string_value(why) : "?");
	if (f->status && json_array_size(degraded) == 0)
		doctor_say(r, DOCTOR_OK, NULL, "nothing is degraded");
}

static void check_state(const struct doctor_facts *f, struct doctor_report *r)
{
	const char *dir = json_string_value(json_object_get(f->status, "state_dir"));

	if (!f->status)
		return;
	if (!dir)
		doctor_say(r, DOCTOR_WARN, "start app-fw without --no-state",
			   "rules are not saved: a restart loses them");
	else if (f->state_error)
		doctor_say(r, DOCTOR_FAIL,
			   "no change of the rules can be made until that is mended",
			   "nothing can be saved in %s: %s", dir, strerror(-f->state_error));
	else
		doctor_say(r, DOCTOR_OK, NULL, "rules are saved in %s", dir);
}

static json_int_t counter(const struct doctor_facts *f, const char *name)
{
	return json_integer_value(json_object_get(json_object_get(f->stats, "counters"), name));
}

static void check_losses(const struct doctor_facts *f, struct doctor_report *r)
{
	static const struct {
		const char *name, *what, *advice;
	} losses[] = {
		{"queue_dropped", "packets dropped by the kernel at a full queue",
		 "more queues: app-fw --queue-out 0-3, and --queue-balance in iptables"},
		{"queue_user_dropped", "packets that the kernel could not deliver to app-fw",
		 RESTART_ADVICE},
		{"queue_overflow", "times that the kernel lost messages of a queue",
		 RESTART_ADVICE},
		{"queue_unread", "looks at what the kernel says of a queue that failed",
		 RESTART_ADVICE},
		{"verdict_failed", "verdicts that the kernel refused", RESTART_ADVICE},
		{"probes_missed", "runs of probes that the kernel left out", RESTART_ADVICE},
		{"sockets_lost", "sockets for which there was no room", RESTART_ADVICE},
	};
	bool lost = false;

	if (!f->stats)
		return;
	for (size_t i = 0; i < LENGTH(losses); i++) {
		json_int_t n = counter(f, losses[i].name);

		lost |= n > 0;
		if (n > 0)
			doctor_say(r, DOCTOR_WARN, losses[i].advice, "%lld %s", n, losses[i].what);
	}
	if (!lost)
		doctor_say(r, DOCTOR_OK, NULL, "nothing was lost");
}

static void check_unknown(const struct doctor_facts *f, struct doctor_report *r)
{
	json_int_t unknown = counter(f, "unknown"), queued = counter(f, "queued");

	if (!f->stats)
		return;
	if (unknown * MANY_UNKNOWN > queued)
		doctor_say(r, DOCTOR_WARN,
			   "ctl-fw events shows them; app-fw --unknown says what becomes of them",
			   "%lld of %lld packets were of unknown origin", unknown, queued);
	else
		doctor_say(r, DOCTOR_OK, NULL, "%lld of %lld packets were of unknown origin",
			   unknown, queued);
}

/* --- Between them: queues and iptables --- */

/* Whether somebody listens on that queue in this network namespace. */
static bool is_bound(const char *bound, long long number)
{
	for (const char *line = bound; line && *line;) {
		char *end;

		if (strtoll(line, &end, 10) == number && end != line)
			return true;
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return false;
}

static void check_queues(const struct doctor_facts *f, struct doctor_report *r)
{
	const json_t *queues = json_object_get(f->status, "queues"), *queue;
	size_t i;

	json_array_foreach(queues, i, queue) {
		const char *chain = json_string_value(json_object_get(queue, "chain"));
		long long n = json_integer_value(json_object_get(queue, "queue"));

		if (!f->bound)
			doctor_say(r, DOCTOR_WARN, "run ctl-fw doctor as root",
				   "whether queue %lld (%s) is served can't be seen", n,
				   chain ? chain : "?");
		else if (is_bound(f->bound, n))
			doctor_say(r, DOCTOR_OK, NULL, "queue %lld (%s) is served", n,
				   chain ? chain : "?");
		else
			doctor_say(r, DOCTOR_FAIL,
				   "run ctl-fw doctor in the daemon's namespace: nsenter -n -t PID",
				   "nobody serves queue %lld (%s) in this network namespace", n,
				   chain ? chain : "?");
	}
}

/* The chain that the daemon reads this queue for; NULL: it is not one of its own. */
static const char *chain_of_queue(const struct doctor_facts *f, unsigned int number)
{
	const json_t *queue;
	size_t i;

	json_array_foreach(json_object_get(f->status, "queues"), i, queue)
		if (json_integer_value(json_object_get(queue, "queue")) == number)
			return json_string_value(json_object_get(queue, "chain"));
	return NULL;
}

/* The table in which the chain's packets are queued first: they meet them in this order. */
static void find_diversion(const char *saved, const char *chain, struct diversion *out)
{
	static const char *const tables[] = {"raw", "mangle", "nat", "filter", "security"};

	for (size_t i = 0; i < LENGTH(tables); i++) {
		diversion_find(saved, tables[i], chain, out);
		if (out->found)
			return;
	}
}

static void judge_numbers(const struct doctor_facts *f, struct doctor_report *r, const char *chain,
			  const char *family, const struct diversion *d)
{
	for (unsigned int n = d->first; n <= d->last && n - d->first < 256; n++) {
		const char *is = chain_of_queue(f, n);

		if (is && strcmp(is, chain) == 0)
			continue;
		if (is)
			doctor_say(r, DOCTOR_FAIL, "change the number in this rule",
				   "%s, %s: goes to queue %u, where app-fw takes it for %s: %s",
				   chain, family, n, is, d->rule);
		else
			doctor_say(r, DOCTOR_FAIL,
				   "another program's queue: put app-fw's rule before this one",
				   "%s, %s: goes to queue %u, which app-fw does not read: %s",
				   chain, family, n, d->rule);
	}
}

static void judge_diversion(const struct doctor_facts *f, struct doctor_report *r,
			    const char *chain, const char *family, const struct diversion *d)
{
	doctor_say(r, DOCTOR_OK, NULL, "%s, %s: diverted by %s", chain, family, d->rule);
	judge_numbers(f, r, chain, family, d);
	if (*d->accepted)
		doctor_say(r, DOCTOR_WARN, "what this rule accepts is never judged: move it down",
			   "%s, %s: before that, %s", chain, family, d->accepted);
	doctor_say(r, DOCTOR_OK, NULL,
		   d->bypass ? "%s, %s: fails open: everything passes while app-fw does not run"
			     : "%s, %s: fails closed: nothing passes while app-fw does not run",
		   chain, family);
}

/* Whether one should wonder that it is not diverted. */
static bool is_wanted(const struct doctor_facts *f, const char *chain, int family)
{
	return strcmp(chain, "FORWARD") != 0 || f->forwarding[family] > 0;
}

static void check_chain(const struct doctor_facts *f, struct doctor_report *r, const char *chain)
{
	for (int i = 0; i < DOCTOR_FAMILIES; i++) {
		const char *family = families[i].name;
		struct diversion d = {.found = false};

		if (!f->saved[i]) {
			doctor_say(r, DOCTOR_WARN, "run ctl-fw doctor as root",
				   "%s, %s: %s-save did not run", chain, family,
				   families[i].iptables);
			continue;
		}
		find_diversion(f->saved[i], chain, &d);
		if (d.found)
			judge_diversion(f, r, chain, family, &d);
		else if (is_wanted(f, chain, i))
			doctor_say(r, strcmp(chain, "OUTPUT") == 0 ? DOCTOR_FAIL : DOCTOR_WARN,
				   "iptables and ip6tables -I CHAIN -j NFQUEUE --queue-num N",
				   "%s, %s: not diverted: its packets are not judged", chain,
				   family);
		else
			doctor_say(r, DOCTOR_OK, NULL, "%s, %s: not diverted; nothing is forwarded",
				   chain, family);
	}
}

static void check_output(const struct doctor_facts *f, struct doctor_report *r)
{
	check_chain(f, r, "OUTPUT");
}

static void check_input(const struct doctor_facts *f, struct doctor_report *r)
{
	check_chain(f, r, "INPUT");
}

static void check_forward(const struct doctor_facts *f, struct doctor_report *r)
{
	check_chain(f, r, "FORWARD");
}

static const struct {
	const char *name;
	void (*run)(const struct doctor_facts *f, struct doctor_report *r);
} checks[] = {
	{"kernel", check_kernel},   {"btf", check_btf},		{"programs", check_programs},
	{"mounts", check_mounts},   {"tsc", check_tsc},		{"hidepid", check_hidepid},
	{"daemon", check_daemon},   {"mode", check_mode},	{"degraded", check_degraded},
	{"state", check_state},	    {"queues", check_queues},	{"output", check_output},
	{"input", check_input},	    {"forward", check_forward}, {"losses", check_losses},
	{"unknown", check_unknown},
};

json_t *doctor_check(const struct doctor_facts *f)
{
	struct doctor_report r = {.checks = json_array()};

	for (size_t i = 0; r.checks && i < LENGTH(checks); i++) {
		r.check = checks[i].name;
		checks[i].run(f, &r);
	}
	return json_pack("{s:s, s:o}", "result", doctor_level_name(r.worst), "checks", r.checks);
}
