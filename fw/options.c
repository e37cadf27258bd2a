// SPDX-License-Identifier: GPL-2.0-or-later
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire.h"

#define STATE_DEFAULT "/var/lib/app-fw"
#define BATCH_MAX     1024
#define WAIT_MAX_US   1000000
#define EVENTS_SIZE   (16u << 20)
#define EVENTS_LEAST  4096
#define EVENTS_MOST   (1ull << 40)
#define EVENTS_KEEP   4
#define KEEP_MAX      999

enum {
	OPT_QUEUE = 0x100,  /* + chain */
	OPT_POLICY = 0x110, /* + chain */
	OPT_MODE = 0x120,
	OPT_PIN,
	OPT_UNKNOWN,
	OPT_KERNEL,
	OPT_SOCKET,
	OPT_STATE,
	OPT_NO_STATE,
	OPT_METRICS,
	OPT_EVENTS,
	OPT_EVENTS_SIZE,
	OPT_EVENTS_KEEP,
	OPT_INSPECT_CLOSED,
	OPT_SIG_TEST,
	OPT_PCAP,
	OPT_SKIP_UNSUPPORTED,
	OPT_JSON,
};

/* "+": the first word that is no option is refused before what comes after it is looked at. */
static const char short_options[] = "+:e:b:B:rRSc:n:d:PhV";

static const struct option long_options[] = {
	{"ebpf-obj", required_argument, NULL, 'e'},
	{"queue-out", required_argument, NULL, OPT_QUEUE + CHAIN_OUTPUT},
	{"queue-in", required_argument, NULL, OPT_QUEUE + CHAIN_INPUT},
	{"queue-fwd", required_argument, NULL, OPT_QUEUE + CHAIN_FORWARD},
	{"pin", no_argument, NULL, OPT_PIN},
	{"pol-out", required_argument, NULL, OPT_POLICY + CHAIN_OUTPUT},
	{"pol-in", required_argument, NULL, OPT_POLICY + CHAIN_INPUT},
	{"pol-fwd", required_argument, NULL, OPT_POLICY + CHAIN_FORWARD},
	{"batch-count", required_argument, NULL, 'b'},
	{"batch-timeout", required_argument, NULL, 'B'},
	{"retain-maps", no_argument, NULL, 'r'},
	{"no-rescan", no_argument, NULL, 'R'},
	{"skip-ns-switch", no_argument, NULL, 'S'},
	{"pkt-prefetch", required_argument, NULL, 'c'},
	{"max-nl-bufsz", required_argument, NULL, 'n'},
	{"proc-delay", required_argument, NULL, 'd'},
	{"partial-read", no_argument, NULL, 'P'},
	{"mode", required_argument, NULL, OPT_MODE},
	{"unknown", required_argument, NULL, OPT_UNKNOWN},
	{"kernel", required_argument, NULL, OPT_KERNEL},
	{"socket", required_argument, NULL, OPT_SOCKET},
	{"state", required_argument, NULL, OPT_STATE},
	{"no-state", no_argument, NULL, OPT_NO_STATE},
	{"metrics", required_argument, NULL, OPT_METRICS},
	{"events", required_argument, NULL, OPT_EVENTS},
	{"events-size", required_argument, NULL, OPT_EVENTS_SIZE},
	{"events-keep", required_argument, NULL, OPT_EVENTS_KEEP},
	{"inspect-closed", required_argument, NULL, OPT_INSPECT_CLOSED},
	{"sig-test", required_argument, NULL, OPT_SIG_TEST},
	{"pcap", required_argument, NULL, OPT_PCAP},
	{"skip-unsupported", no_argument, NULL, OPT_SKIP_UNSUPPORTED},
	{"json", no_argument, NULL, OPT_JSON},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

static const char usage[] =
	"usage: app-fw [OPTION]...\n"
	"Judges packets from NFQUEUE by the code behind them. Rules: ctl-fw(8).\n"
	"\n"
	"  -e, --ebpf-obj OBJ      load the probes from OBJ (default: the copy built in)\n"
	"      --queue-out N[-M]   NFQUEUE number or range for OUTPUT (0)\n"
	"      --queue-in N[-M]    for INPUT (1)\n"
	"      --queue-fwd N[-M]   for FORWARD (2)\n"
	"      --pin               keep the thread of each queue on a processor of its own\n"
	"      --pol-out V         policy of OUTPUT: ACCEPT or DROP (ACCEPT)\n"
	"      --pol-in V          of INPUT\n"
	"      --pol-fwd V         of FORWARD\n"
	"  -b, --batch-count N     most packets under one batch verdict (64)\n"
	"  -B, --batch-timeout US  longest a judged packet may wait, in microseconds (0)\n"
	"  -r, --retain-maps       objects count even after they are unmapped\n"
	"  -R, --no-rescan         implies -r\n"
	"  -P, --partial-read      copy only what the rules in force need to look at\n"
	"      --mode M            enforce, or monitor: log and let everything pass (enforce)\n"
	"      --unknown V         verdict for packets of unknown origin (the chain's policy)\n"
	"      --kernel V          verdict for packets of the kernel's own (ACCEPT)\n"
	"      --socket PATH       control socket (" WIRE_SOCKET_DEFAULT ", or $" WIRE_SOCKET_ENV
	")\n"
	"      --state DIR         saved rules (" STATE_DEFAULT ")\n"
	"      --no-state          keep nothing\n"
	"      --metrics ADDR:PORT tell all counters and timings there, by HTTP (nowhere)\n"
	"      --events WHERE      events as lines of JSON: to a FILE, stdout, or the journal\n"
	"      --events-size N     most bytes of that file (16777216)\n"
	"      --events-keep N     how many former ones are kept, as FILE.1 and so on (4)\n"
	"      --inspect-closed CHAIN[,CHAIN]\n"
	"                          drop there what signatures could not look at (nowhere)\n"
	"      --sig-test FILE --pcap F [--skip-unsupported] [--json]\n"
	"                          only tell what these signatures find in that capture\n"
	"  -S, -c N, -n N, -d N    accepted, without effect: what they tuned is not there\n"
	"  -h, --help              -V, --version\n";

static int wrong(const char *what, const char *word, const char *expected)
{
	fprintf(stderr, "app-fw: %s %s: expected %s\n", what, *word ? word : "\"\"", expected);
	return -EINVAL;
}

/* A plain decimal number up to max, ended by `end`. Returns where it ends, or NULL. */
static const char *read_number(const char *text, uint64_t max, char end, uint64_t *out)
{
	uint64_t n = 0;
	const char *c = text;

	for (; *c >= '0' && *c <= '9'; c++) {
		n = n * 10 + (*c - '0');
		if (n > max)
			return NULL;
	}
	if (c == text || *c != end)
		return NULL;
	*out = n;
	return c;
}

static int parse_number(const char *option, const char *word, uint64_t min, uint64_t max,
			uint64_t *out)
{
	char expected[64];
	uint64_t n;

	if (read_number(word, max, 0, &n) && n >= min) {
		*out = n;
		return 0;
	}
	snprintf(expected, sizeof(expected), "a number %" PRIu64 "..%" PRIu64, min, max);
	return wrong(option, word, expected);
}

static int parse_queue(const char *option, const char *word, struct queue_range *out)
{
	uint64_t first, last;
	const char *dash = read_number(word, UINT16_MAX, '-', &first);

	if (!dash && read_number(word, UINT16_MAX, 0, &first))
		last = first;
	else if (!dash || !read_number(dash + 1, UINT16_MAX, 0, &last) || last < first)
		return wrong(option, word, "a queue number 0..65535 or a range N-M");
	if (last - first >= 64)
		return wrong(option, word, "a range of at most 64 queues");
	*out = (struct queue_range){first, last};
	return 0;
}

static int parse_verdict(const char *option, const char *word, enum verdict *out)
{
	return policy_parse(word, out) ? wrong(option, word, "ACCEPT or DROP") : 0;
}

static int parse_mode(const char *word, enum mode *out)
{
	return mode_parse(word, out) ? wrong("--mode", word, "enforce or monitor") : 0;
}

static int parse_metrics(const char *word, struct options *o)
{
	if (endpoint_parse(word, &o->metrics_at))
		return wrong("--metrics", word, "ADDR:PORT or [IPV6]:PORT, with a port 1..65535");
	o->metrics = word;
	return 0;
}

static void set_defaults(struct options *o)
{
	const char *socket = getenv(WIRE_SOCKET_ENV);

	*o = (struct options){
		.queue =
			{[CHAIN_OUTPUT] = {0, 0}, [CHAIN_INPUT] = {1, 1}, [CHAIN_FORWARD] = {2, 2}},
		.batch_count = 64,
		.socket = socket && *socket ? socket : WIRE_SOCKET_DEFAULT,
		.state = STATE_DEFAULT,
		.events_size = EVENTS_SIZE,
		.events_keep = EVENTS_KEEP,
	};
}

static const char *option_name(int c, char buf[32])
{
	for (const struct option *o = long_options; o->name; o++)
		if (o->val == c) {
			snprintf(buf, 32, "--%s", o->name);
			return buf;
		}
	return "";
}

static int parse_chains(const char *option, const char *word, bool out[CHAIN_COUNT])
{
	char name[16];
	enum chain chain;

	for (const char *at = word;; at++) {
		size_t n = strcspn(at, ",");

		snprintf(name, sizeof(name), "%.*s", n < sizeof(name) ? (int)n : 0, at);
		if (chain_parse(name, &chain))
			return wrong(option, word,
				     "INPUT, OUTPUT or FORWARD, or some, with commas");
		out[chain] = true;
		at += n;
		if (!*at)
			return 0;
	}
}

/* Returns 1 for an option that is not about signatures. */
static int apply_signatures(struct options *o, int c, const char *name, const char *arg)
{
	switch (c) {
	case OPT_INSPECT_CLOSED:
		return parse_chains(name, arg, o->inspect_closed);
	case OPT_SIG_TEST:
		o->sig_test = true;
		o->test.rules = arg;
		return *arg ? 0 : wrong(name, arg, "a file of signatures");
	case OPT_PCAP:
		o->test.pcap = arg;
		return *arg ? 0 : wrong(name, arg, "a file of packets");
	case OPT_SKIP_UNSUPPORTED:
		o->test.skip_unsupported = true;
		return 0;
	case OPT_JSON:
		o->test.json = true;
		return 0;
	default:
		return 1;
	}
}

static int check_signatures(const struct options *o)
{
	if (o->sig_test && !o->test.pcap)
		fputs("app-fw: --sig-test: expected --pcap FILE with it\n", stderr);
	else if (!o->sig_test && (o->test.pcap || o->test.skip_unsupported || o->test.json))
		fprintf(stderr, "app-fw: %s: expected --sig-test FILE with it\n",
			o->test.pcap		   ? "--pcap"
			: o->test.skip_unsupported ? "--skip-unsupported"
						   : "--json");
	else
		return 0;
	return -EINVAL;
}

/* Returns 1 for an option that is not about events. */
static int apply_events(struct options *o, int c, const char *name, const char *arg)
{
	uint64_t n;
	int r;

	switch (c) {
	case OPT_EVENTS:
		o->events = arg;
		return *arg ? 0 : wrong(name, "\"\"", "a file, stdout or journal");
	case OPT_EVENTS_SIZE:
		return parse_number(name, arg, EVENTS_LEAST, EVENTS_MOST, &o->events_size);
	case OPT_EVENTS_KEEP:
		r = parse_number(name, arg, 0, KEEP_MAX, &n);
		o->events_keep = r ? 0 : (unsigned int)n;
		return r;
	default:
		return 1;
	}
}

static int apply(struct options *o, int c, const char *arg, int *unknown)
{
	char name[32];
	uint64_t n;
	enum verdict v;
	int r;

	option_name(c, name);
	if (c >= OPT_QUEUE && c < OPT_QUEUE + CHAIN_COUNT)
		return parse_queue(name, arg, &o->queue[c - OPT_QUEUE]);
	if (c >= OPT_POLICY && c < OPT_POLICY + CHAIN_COUNT)
		return parse_verdict(name, arg, &o->policy[c - OPT_POLICY]);
	r = apply_events(o, c, name, arg);
	r = r <= 0 ? r : apply_signatures(o, c, name, arg);
	if (r <= 0)
		return r;
	switch (c) {
	case 'e':
		o->object = arg;
		return 0;
	case 'b':
		r = parse_number(name, arg, 1, BATCH_MAX, &n);
		o->batch_count = r ? 1 : n;
		return r;
	case 'B':
		r = parse_number(name, arg, 0, WAIT_MAX_US, &n);
		o->batch_wait_ns = r ? 0 : n * 1000;
		return r;
	case 'r':
	case 'R':
		o->retain = true;
		return 0;
	case 'P':
		o->partial_read = true;
		return 0;
	case 'S':
		return 0;
	case 'c':
	case 'n':
	case 'd':
		return parse_number(name, arg, 0, UINT32_MAX, &n);
	case OPT_PIN:
		o->pin = true;
		return 0;
	case OPT_MODE:
		return parse_mode(arg, &o->mode);
	case OPT_UNKNOWN:
		r = parse_verdict(name, arg, &v);
		*unknown = r ? -1 : (int)v;
		return r;
	case OPT_KERNEL:
		r = parse_verdict(name, arg, &v);
		for (int i = 0; !r && i < CHAIN_COUNT; i++)
			o->kernel[i] = v;
		return r;
	case OPT_SOCKET:
		o->socket = arg;
		return 0;
	case OPT_STATE:
		o->state = arg;
		return 0;
	case OPT_NO_STATE:
		o->state = NULL;
		return 0;
	case OPT_METRICS:
		return parse_metrics(arg, o);
	case 'h':
		fputs(usage, stdout);
		return 1;
	case 'V':
		puts("app-fw " FW_VERSION);
		return 1;
	default:
		return -EINVAL;
	}
}

static int check_queues(const struct options *o)
{
	for (int a = 0; a < CHAIN_COUNT; a++)
		for (int b = a + 1; b < CHAIN_COUNT; b++)
			if (o->queue[a].first <= o->queue[b].last &&
			    o->queue[b].first <= o->queue[a].last) {
				fprintf(stderr, "app-fw: %s and %s share queue %u\n", chain_name(a),
					chain_name(b),
					o->queue[a].first > o->queue[b].first ? o->queue[a].first
									      : o->queue[b].first);
				return -EINVAL;
			}
	return 0;
}

/* getopt's own messages begin with argv[0]; ours name the program and the word in one line. A
 * letter that is none may stand among others: then optind is not past their word yet. */
static int refuse(char **argv, int c)
{
	const char letter[] = {'-', (char)optopt, '\0'};
	bool is_letter =
		c == '?' && optopt > 0 && optopt < OPT_QUEUE && !strchr(short_options, optopt);

	fprintf(stderr, "app-fw: %s: expected %s\n", is_letter ? letter : argv[optind - 1],
		c == ':' ? "a value after it" : "an option: see app-fw --help");
	return -EINVAL;
}

int options_parse(int argc, char **argv, struct options *out)
{
	struct options o;
	int unknown = -1, c, r;

	set_defaults(&o);
	opterr = 0;
	while ((c = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
		if (c == '?' || c == ':')
			return refuse(argv, c);
		r = apply(&o, c, optarg, &unknown);
		if (r)
			return r;
	}
	if (optind < argc) {
		fprintf(stderr, "app-fw: %s: expected an option: see app-fw --help\n",
			*argv[optind] ? argv[optind] : "\"\"");
		return -EINVAL;
	}
	o.unknown_given = unknown >= 0;
	for (int i = 0; i < CHAIN_COUNT; i++)
		o.unknown[i] = unknown < 0 ? o.policy[i] : (enum verdict)unknown;
	r = check_queues(&o);
	r = r ? r : check_signatures(&o);
	if (r)
		return r;
	*out = o;
	return 0;
}
