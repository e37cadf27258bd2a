// SPDX-License-Identifier: GPL-2.0-or-later
#include "sig_test.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "inspect.h"
#include "sig_builtin.h"
#include "sig_list.h"

#define FILE_MAX       (256u << 20)
#define ETHERNET_LEN   14
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_QINQ 0x88a8
#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define LINUX_SLL_LEN  16
#define LINUX_SLL2_LEN 20
#define NULL_LEN       4
#define REFUSED	       1

struct run {
	const struct sig_test_options *options;
	struct stats stats;
	struct inspect *inspect;
	struct ruleset *rules; /* an empty one: there are no sets */
	uint64_t packet, alerts;
};

/* Where the IP header begins; -1: there is none. */
static int ip_at(int link, const uint8_t *data, size_t n)
{
	size_t at = ETHERNET_LEN;

	switch (link) {
	case DLT_RAW:
	case DLT_IPV4:
	case DLT_IPV6:
		return 0;
	case DLT_NULL:
	case DLT_LOOP:
		return n > NULL_LEN ? NULL_LEN : -1;
	case DLT_LINUX_SLL:
		return n > LINUX_SLL_LEN ? LINUX_SLL_LEN : -1;
	case DLT_LINUX_SLL2:
		return n > LINUX_SLL2_LEN ? LINUX_SLL2_LEN : -1;
	default:
		break;
	}
	while (at <= n) {
		unsigned int type = (unsigned int)data[at - 2] << 8 | data[at - 1];

		if (type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6)
			return at < n ? (int)at : -1;
		if (type != ETHERTYPE_VLAN && type != ETHERTYPE_QINQ)
			return -1;
		at += 4;
	}
	return -1;
}

static bool is_known_link(int link)
{
	static const int known[] = {DLT_EN10MB, DLT_RAW,  DLT_IPV4,	 DLT_IPV6,
				    DLT_NULL,	DLT_LOOP, DLT_LINUX_SLL, DLT_LINUX_SLL2};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (link == known[i])
			return true;
	return false;
}

static void show_json(const struct run *r, const struct sig_rule *rule, const char *flow)
{
	char cve[32];
	json_t *json;
	char *text;

	sig_rule_cve(rule, cve);
	json = json_pack("{s:I, s:s, s:I, s:I, s:s, s:s?, s:s}", "packet", (json_int_t)r->packet,
			 "action", sig_action_name(rule->action), "sid", (json_int_t)rule->sid,
			 "rev", (json_int_t)rule->rev, "msg", rule->msg, "cve", *cve ? cve : NULL,
			 "flow", flow);
	text = json ? json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
	json_decref(json);
	if (text)
		puts(text);
	free(text);
}

static void show(struct run *r, const struct packet *p, const struct inspection *in)
{
	char flow[PACKET_TEXT_LEN];

	packet_format(p, flow);
	for (size_t i = 0; i < in->n_hits; i++) {
		const struct sig_rule *rule = in->hits[i].rule;

		if (r->options->json)
			show_json(r, rule, flow);
		else
			printf("%ju  %s  %u  %s  %s\n", (uintmax_t)r->packet,
			       sig_action_name(rule->action), rule->sid, flow, rule->msg);
	}
	r->alerts += in->n_hits;
	if (in->cause != INSPECT_CLEAN && in->cause != INSPECT_SIGNATURE && !r->options->json)
		printf("%ju  %s  -  %s\n", (uintmax_t)r->packet, inspect_cause_name(in->cause),
		       flow);
}

/* A capture's checksums may not be filled in yet, so they are not looked at; and nobody acts on a
 * verdict, so what comes after it is looked at as well. */
static void test_packet(struct run *r, int link, const struct pcap_pkthdr *h, const uint8_t *data)
{
	static const struct holders nobody = {.origin = ORIGIN_UNKNOWN};
	struct queue_packet q = {.id = 0};
	struct inspect_about about = {.chain = CHAIN_FORWARD,
				      .packet = &q,
				      .holders = &nobody,
				      .rules = r->rules,
				      .now_ns = (uint64_t)h->ts.tv_sec * 1000000000u +
						(uint64_t)h->ts.tv_usec * 1000u};
	struct inspection in;
	int at = ip_at(link, data, h->caplen);

	r->packet++;
	if (at < 0)
		return;
	q.head = data + at;
	q.head_len = h->caplen - (uint32_t)at;
	packet_parse(q.head, q.head_len, h->len > h->caplen ? h->len - (uint32_t)at : q.head_len,
		     &q.packet);
	inspect_packet(r->inspect, &about, &in);
	show(r, &q.packet, &in);
}

static int test_capture(struct run *r, pcap_t *capture, const char *path)
{
	struct pcap_pkthdr *h;
	const uint8_t *data;
	int e;

	if (!is_known_link(pcap_datalink(capture))) {
		fprintf(stderr, "app-fw: %s: packets of link type %d are not known\n", path,
			pcap_datalink(capture));
		return REFUSED;
	}
	while ((e = pcap_next_ex(capture, &h, &data)) == 1)
		test_packet(r, pcap_datalink(capture), h, data);
	if (e != PCAP_ERROR_BREAK) {
		fprintf(stderr, "app-fw: %s, packet %ju: %s\n", path, (uintmax_t)r->packet + 1,
			pcap_geterr(capture));
		return REFUSED;
	}
	if (!r->options->json)
		printf("%ju packets, %ju bytes looked at, %ju signatures fired\n",
		       (uintmax_t)r->packet, (uintmax_t)r->stats.counter[COUNT_INSPECTED_BYTES],
		       (uintmax_t)r->alerts);
	return 0;
}

/* The whole file, or a built-in, as a text of its own. 0 or -errno. */
static int read_rules(const char *path, char **out)
{
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *text = NULL;
	const char *builtin = sig_builtin_text(path);
	size_t size = 0, n;
	FILE *to;
	char buf[65536];

	if (builtin) {
		*out = strdup(builtin);
		return *out ? 0 : -ENOMEM;
	}
	f = fopen(path, "re");
	to = f ? open_memstream(&text, &size) : NULL;
	if (!to)
		return -errno;
	while ((n = fread(buf, 1, sizeof(buf), f)) && size + n <= FILE_MAX) {
		fwrite(buf, 1, n, to);
		fflush(to);
	}
	if (fclose(to))
		return -ENOMEM;
	if (ferror(f))
		return -EIO;
	if (n)
		return -EFBIG;
	if (strlen(text) != size)
		return -EILSEQ;
	*out = TAKE_PTR(text);
	return 0;
}

/* Each rule by itself first: then it is known which one is at fault, or to be skipped. */
static int compile(const struct sig_test_options *o, const char *text, struct sig_set **out,
		   char err[SIG_FILE_ERROR])
{
	_cleanup_(sig_file_clear) struct sig_file f = {.n = 0};
	struct sig_error why = {""};
	size_t bad = 0;
	int r = sig_file_parse(o->rules, text, NULL, o->skip_unsupported, &f, err);

	r = r ? r : sig_file_check(&f, o->rules, o->skip_unsupported, err);
	if (r)
		return r;
	if (f.skipped)
		fprintf(stderr, "app-fw: %zu rules skipped; %s\n", f.skipped,
			f.first_skipped ? f.first_skipped : "");
	if (!f.n) {
		snprintf(err, SIG_FILE_ERROR, "%.100s: expected a rule in it", o->rules);
		return -EINVAL;
	}
	r = sig_set_new(f.rules, f.n, f.has_depth ? f.depth : SIG_DEPTH_DEFAULT, out, &bad, &why);
	if (r)
		snprintf(err, SIG_FILE_ERROR, "%.100s, line %zu: %s", o->rules, f.lines[bad],
			 *why.text ? why.text : strerror(-r));
	return r;
}

static int start(struct run *r)
{
	static const enum verdict accept[CHAIN_COUNT];
	static const bool closed[CHAIN_COUNT];
	_cleanup_free_ char *text = NULL;
	char err[SIG_FILE_ERROR] = "";
	struct sig_set *set;
	int e = read_rules(r->options->rules, &text);

	if (e) {
		fprintf(stderr, "app-fw: %s: %s\n", r->options->rules, strerror(-e));
		return e;
	}
	e = compile(r->options, text, &set, err);
	if (e) {
		fprintf(stderr, "app-fw: %s\n", *err ? err : strerror(-e));
		return e;
	}
	r->rules = ruleset_new(accept, accept, accept);
	e = r->rules ? inspect_new(&stream_limits_default, closed, &r->stats, &r->inspect)
		     : -ENOMEM;
	if (!e)
		inspect_use(r->inspect, set);
	sig_set_unref(set);
	return e;
}

int sig_test_run(const struct sig_test_options *o)
{
	char err[PCAP_ERRBUF_SIZE];
	struct run *r = calloc(1, sizeof(*r));
	pcap_t *capture = NULL;
	int status = REFUSED;

	if (!r)
		return REFUSED;
	r->options = o;
	if (!start(r)) {
		capture = pcap_open_offline(o->pcap, err);
		if (capture)
			status = test_capture(r, capture, o->pcap);
		else
			fprintf(stderr, "app-fw: %s\n", err);
	}
	if (capture)
		pcap_close(capture);
	inspect_free(r->inspect);
	ruleset_unref(r->rules);
	free(r);
	return status;
}
