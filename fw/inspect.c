// SPDX-License-Identifier: GPL-2.0-or-later
#include "inspect.h"

#include <assert.h>
#include <errno.h>
#include <linux/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "app_match.h"
#include "fragment.h"
#include "sig_flow.h"
#include "tls_hello.h"

#define LENGTH(array)	(sizeof(array) / sizeof((array)[0]))
#define ICMP_HEADER_LEN 8
#define EXPIRE_AT_ONCE	4096

/* A connection, as the user's part of its stream. */
struct watched {
	struct sig_flow *flow; /* NULL: no bytes yet */
	uint8_t hello[STREAM_WAYS][TLS_HELLO_LEN];
	uint8_t n_hello[STREAM_WAYS];
	enum tls_hello tls[STREAM_WAYS];
};

struct inspect {
	struct sig_set *set;
	bool closed[CHAIN_COUNT];
	struct stream_limits limits;
	uint64_t seed[2];
	struct streams *streams; /* NULL while there is no set */
	struct fragments *fragments;
	struct stats *stats;
	uint64_t evicted; /* of the tables that are gone */
	/* During inspect_packet(): */
	const struct inspect_about *about;
	const struct packet *packet; /* it, or the whole datagram that it completes */
	struct inspection *out;
	bool unscanned;
};

static const char *const causes[] = {
	[INSPECT_CLEAN] = "clean",	   [INSPECT_SIGNATURE] = "signature",
	[INSPECT_CONDEMNED] = "condemned", [INSPECT_CONFLICT] = "conflict",
	[INSPECT_OUTSIDE] = "outside",	   [INSPECT_FRAGMENT] = "fragment",
	[INSPECT_LIMIT] = "limit",
};
static_assert(LENGTH(causes) == INSPECT_CAUSES, "every cause has a name");

const char *inspect_cause_name(enum inspect_cause c)
{
	return (size_t)c < INSPECT_CAUSES ? causes[c] : "?";
}

static void count(struct inspect *in, enum counter c, uint64_t n)
{
	in->stats->counter[c] += n;
}

static void count_cause(struct inspect *in, enum inspect_cause cause)
{
	static const enum counter counters[INSPECT_CAUSES] = {
		[INSPECT_SIGNATURE] = COUNT_SIGNATURE_STOPPED,
		[INSPECT_CONDEMNED] = COUNT_SIGNATURE_STOPPED,
		[INSPECT_CONFLICT] = COUNT_STREAM_CONFLICT,
		[INSPECT_OUTSIDE] = COUNT_STREAM_OUTSIDE,
		[INSPECT_FRAGMENT] = COUNT_FRAGMENT_BAD,
	};

	if (cause != INSPECT_CLEAN && cause != INSPECT_LIMIT)
		count(in, counters[cause], 1);
}

enum verdict inspect_verdict(const struct sig_rule *rule)
{
	static const enum verdict verdicts[SIG_ACTIONS] = {
		[SIG_ALERT] = VERDICT_ACCEPT,
		[SIG_DROP] = VERDICT_DROP,
		[SIG_REJECT] = VERDICT_REJECT,
	};

	return verdicts[rule->action];
}

/* A signature's content is there; whether it is meant for this process. */
static void on_fire(void *cookie, struct sig_rule *rule)
{
	struct inspect *in = cookie;
	struct inspection *out = in->out;
	enum verdict v = inspect_verdict(rule);
	size_t holder;

	if (!app_match(rule, in->about->holders, in->about->rules, &holder))
		return;
	__atomic_fetch_add(&rule->hits, 1, __ATOMIC_RELAXED);
	count(in, COUNT_SIGNATURE_HIT, 1);
	if (v != VERDICT_ACCEPT) {
		/* The first of them decides, and is told of. */
		if (out->cause != INSPECT_SIGNATURE)
			out->verdict = v;
		out->cause = INSPECT_SIGNATURE;
	}
	if (out->n_hits < INSPECT_HITS_MAX)
		out->hits[out->n_hits++] = (struct inspect_hit){rule, holder};
}

/* TLS is what both sides say is TLS: what one alone says may be a disguise. */
static void look_for_tls(struct inspect *in, struct stream *s, struct watched *w,
			 enum stream_way way, uint64_t offset, const uint8_t *data, size_t n)
{
	uint8_t *have = &w->n_hello[way];

	if (offset != *have || *have == TLS_HELLO_LEN || w->tls[way] == TLS_HELLO_YES)
		return;
	while (n-- && *have < TLS_HELLO_LEN)
		w->hello[way][(*have)++] = *data++;
	w->tls[way] = tls_hello_at(w->hello[way], *have);
	if (w->tls[STREAM_TO_SERVER] != TLS_HELLO_YES || w->tls[STREAM_TO_CLIENT] != TLS_HELLO_YES)
		return;
	count(in, COUNT_STREAM_TLS, 1);
	stream_finish(s, STREAM_TO_SERVER);
	stream_finish(s, STREAM_TO_CLIENT);
}

static struct watched *watch(struct inspect *in, struct stream *s)
{
	struct watched *w = stream_user(s);

	if (!w) {
		w = calloc(1, sizeof(*w));
		if (!w)
			return NULL;
		w->tls[0] = w->tls[1] = TLS_HELLO_NO;
		stream_set_user(s, w);
	}
	if (!w->flow)
		w->flow = sig_flow_new(in->set);
	else if (sig_flow_set(w->flow) != in->set && sig_flow_adopt(w->flow, in->set))
		return NULL;
	return w->flow ? w : NULL;
}

static void on_bytes(struct stream *s, enum stream_way way, uint64_t offset, const uint8_t *data,
		     size_t n, void *cookie)
{
	struct inspect *in = cookie;
	struct sig_context context = {.packet = in->packet,
				      .size = in->packet->payload_length,
				      .to_server = way == STREAM_TO_SERVER,
				      .established =
					      stream_is_established(s) || stream_is_picked_up(s)};
	struct watched *w;

	if (offset == 0 && !sig_set_wants(in->set, in->packet, context.to_server)) {
		stream_finish(s, way);
		return;
	}
	w = watch(in, s);
	count(in, COUNT_INSPECTED_BYTES, n);
	if (!w || sig_flow_bytes(w->flow, &context, data, n, on_fire, in))
		in->unscanned = true;
	if (!w)
		return;
	look_for_tls(in, s, w, way, offset, data, n);
	stream_charge(s, sizeof(*w) + sig_flow_memory(w->flow));
}

static void on_gap(struct stream *s, enum stream_way way, uint64_t offset, uint64_t n, void *cookie)
{
	struct watched *w = stream_user(s);

	(void)offset;
	(void)cookie;
	if (w && w->flow)
		sig_flow_gap(w->flow, way == STREAM_TO_SERVER, n);
}

static void on_gone(struct stream *s, void *user, void *cookie)
{
	struct inspect *in = cookie;
	struct watched *w = user;

	(void)s;
	if (!w)
		return;
	if (w->flow && sig_flow_anomalies(w->flow))
		count(in, COUNT_HTTP_ODD, 1);
	sig_flow_free(w->flow);
	free(w);
}

int inspect_new(const struct stream_limits *limits, const bool closed[CHAIN_COUNT],
		struct stats *stats, struct inspect **out)
{
	struct inspect *in = calloc(1, sizeof(*in));

	if (!in)
		return -ENOMEM;
	in->limits = *limits;
	in->stats = stats;
	memcpy(in->closed, closed, sizeof(in->closed));
	if (getrandom(in->seed, sizeof(in->seed), 0) != sizeof(in->seed)) {
		free(in);
		return -EIO;
	}
	*out = in;
	return 0;
}

static uint64_t evicted(const struct inspect *in)
{
	return in->evicted + (in->streams ? streams_stat(in->streams, STREAM_STAT_EVICTED) : 0);
}

static void forget(struct inspect *in)
{
	in->evicted = evicted(in);
	streams_free(in->streams);
	fragments_free(in->fragments);
	in->streams = NULL;
	in->fragments = NULL;
}

void inspect_free(struct inspect *in)
{
	if (!in)
		return;
	forget(in);
	sig_set_unref(in->set);
	free(in);
}

struct sig_set *inspect_set(const struct inspect *in)
{
	return in->set;
}

/* Without memory for the tables, packets are as those that cannot be looked at. */
void inspect_use(struct inspect *in, struct sig_set *set)
{
	static const struct stream_ops ops = {on_bytes, on_gap, on_gone};
	struct sig_set *old = in->set;

	in->set = set ? sig_set_ref(set) : NULL;
	if (!set)
		forget(in);
	if (set && !in->streams)
		in->streams = streams_new(&in->limits, in->seed, &ops, in);
	if (set && !in->fragments)
		in->fragments = fragments_new(&fragment_limits_default, in->seed);
	if (set && in->streams)
		streams_set_depth(in->streams, sig_set_depth(set));
	sig_set_unref(old);
}

static void refuse(struct inspect *in, enum inspect_cause cause)
{
	in->out->cause = cause;
	in->out->verdict = sig_set_stops(in->set) ? VERDICT_DROP : VERDICT_ACCEPT;
}

static void refuse_by_mode(struct inspect *in)
{
	count(in, COUNT_NOT_INSPECTED, 1);
	if (in->closed[in->about->chain])
		refuse(in, INSPECT_LIMIT);
}

static enum inspect_cause cause_of(enum stream_result r)
{
	switch (r) {
	case STREAM_CONFLICT:
		return INSPECT_CONFLICT;
	case STREAM_CONDEMNED:
		return INSPECT_CONDEMNED;
	case STREAM_OUTSIDE:
		return INSPECT_OUTSIDE;
	default:
		return INSPECT_LIMIT;
	}
}

static void inspect_segment(struct inspect *in, const uint8_t *data, size_t copied)
{
	const struct packet *p = in->packet;
	const bool whole = (uint64_t)p->payload_offset + p->payload_length <= copied;
	const uint8_t *payload = whole && p->has_tcp ? data + p->payload_offset : NULL;
	struct stream *s = NULL;
	enum stream_result r;

	if (!in->streams) {
		refuse_by_mode(in);
		return;
	}
	r = streams_segment(in->streams, in->about->chain == CHAIN_FORWARD, p, payload,
			    in->about->now_ns, &s);
	if (r == STREAM_UNTRACKED || r == STREAM_STALE || r == STREAM_URGENT)
		count(in, COUNT_NOT_INSPECTED, 1);
	if (in->out->cause == INSPECT_SIGNATURE) {
		if (in->about->enforced && s)
			stream_condemn(s);
	} else if (stream_must_drop(r, in->closed[in->about->chain])) {
		refuse(in, cause_of(r));
	}
	in->out->wants = !s || !stream_done(s);
}

static void inspect_datagram(struct inspect *in, const uint8_t *data, size_t copied)
{
	const struct packet *p = in->packet;
	size_t at = p->payload_offset;
	struct sig_context context = {.packet = p};

	if (p->proto != IPPROTO_UDP)
		at = p->l4_offset + (p->has_icmp ? ICMP_HEADER_LEN : 0);
	if (copied < p->length) {
		refuse_by_mode(in);
		return;
	}
	if (at == 0 || at >= copied)
		return;
	context.size = p->proto == IPPROTO_UDP ? p->payload_length : copied - at;
	if (context.size > copied - at)
		context.size = copied - at;
	count(in, COUNT_INSPECTED_BYTES, context.size);
	if (sig_datagram(in->set, &context, data + at, context.size, on_fire, in))
		in->unscanned = true;
}

/* What is not looked at for its checksum is not taken by its receiver either. */
static bool checksum_is_wrong(struct inspect *in, const uint8_t *data, size_t copied, bool verify)
{
	if (!verify || in->packet->proto != IPPROTO_TCP ||
	    packet_checksum_fits(in->packet, data, copied))
		return false;
	refuse(in, INSPECT_OUTSIDE);
	return true;
}

static void inspect_whole(struct inspect *in, const uint8_t *data, size_t copied, bool verify)
{
	if (!sig_set_may_want(in->set, in->packet))
		return;
	in->out->wants = true;
	count(in, COUNT_INSPECTED, 1);
	if (checksum_is_wrong(in, data, copied, verify))
		return;
	if (in->packet->proto == IPPROTO_TCP)
		inspect_segment(in, data, copied);
	else
		inspect_datagram(in, data, copied);
	if (in->unscanned && in->out->cause == INSPECT_CLEAN)
		refuse_by_mode(in);
}

static void inspect_fragment(struct inspect *in, const struct queue_packet *q)
{
	struct fragment_whole whole;
	struct packet p;

	in->out->wants = true;
	if (!in->fragments) {
		refuse_by_mode(in);
		return;
	}
	switch (fragments_add(in->fragments, in->about->chain == CHAIN_FORWARD, &q->packet, q->head,
			      q->head_len, in->about->now_ns, &whole)) {
	case FRAGMENT_WHOLE:
		packet_parse(whole.data, whole.length, whole.length, &p);
		in->packet = &p;
		inspect_whole(in, whole.data, whole.length, true);
		in->packet = &q->packet;
		if (in->out->verdict == VERDICT_ACCEPT || !in->about->enforced)
			fragments_passed(in->fragments);
		break;
	case FRAGMENT_BAD:
		refuse(in, INSPECT_FRAGMENT);
		break;
	case FRAGMENT_FULL:
		refuse_by_mode(in);
		break;
	default:
		break;
	}
}

static bool is_fragment(const struct packet *p)
{
	return p->later_fragment || p->fragment.is;
}

void inspect_packet(struct inspect *in, const struct inspect_about *about, struct inspection *out)
{
	const struct queue_packet *q = about->packet;

	out->verdict = VERDICT_ACCEPT;
	out->cause = INSPECT_CLEAN;
	out->n_hits = 0;
	out->wants = false;
	if (!in->set || !q->packet.family)
		return;
	in->about = about;
	in->packet = &q->packet;
	in->out = out;
	in->unscanned = false;
	if (is_fragment(&q->packet))
		inspect_fragment(in, q);
	else
		inspect_whole(in, q->head, q->head_len, q->unverified);
	count_cause(in, out->cause);
	in->about = NULL;
	in->out = NULL;
}

void inspect_expire(struct inspect *in, uint64_t now_ns)
{
	if (in->streams)
		streams_expire(in->streams, now_ns, EXPIRE_AT_ONCE);
	in->stats->counter[COUNT_STREAM_EVICTED] = evicted(in);
}

json_t *inspect_report(const struct inspect *in)
{
	const struct streams *t = in->streams;
	const struct sig_set *set = in->set;

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "depth",
			 (json_int_t)(set ? sig_set_depth(set) : 0), "database_bytes",
			 (json_int_t)(set ? sig_set_memory(set) : 0), "way_bytes",
			 (json_int_t)(set ? sig_set_stream_memory(set) : 0), "connections",
			 (json_int_t)(t ? streams_count(t) : 0), "connection_bytes",
			 (json_int_t)(t ? streams_memory(t) : 0), "connection_bytes_max",
			 (json_int_t)in->limits.memory);
}
