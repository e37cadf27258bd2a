/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fw/stream.h"

#include "random.h"
#include "tcp_talk.h"
#include "unit.h"

static const char text[] = "GET /cgi-bin/x HTTP/1.1\r\nUser-Agent: () { :; }; /bin/id\r\n\r\n";
#define TEXT_LEN (sizeof(text) - 1)

static void split_at_every_byte(void)
{
	struct talk k;

	talk_begin(&k, NULL);
	for (size_t at = 1; at < TEXT_LEN; at++) {
		talk_reset(&k);
		shake_hands(&k);
		CU_ASSERT(up(&k, 0, text, at) == STREAM_ORDINARY);
		CU_ASSERT(has_heard(&k, STREAM_TO_SERVER, text, at));
		CU_ASSERT(up(&k, at, text + at, TEXT_LEN - at) == STREAM_ORDINARY);
		expect(has_heard(&k, STREAM_TO_SERVER, text, TEXT_LEN), "split at %zu", at);
	}
	talk_end(&k);
}

static void one_byte_a_segment(void)
{
	struct talk k;

	talk_begin(&k, NULL);
	shake_hands(&k);
	for (size_t at = 0; at < TEXT_LEN; at++)
		CU_ASSERT(up(&k, at, text + at, 1) == STREAM_ORDINARY);
	CU_ASSERT(has_heard(&k, STREAM_TO_SERVER, text, TEXT_LEN));

	talk_reset(&k);
	shake_hands(&k);
	for (size_t at = TEXT_LEN; at-- > 0;) {
		CU_ASSERT(k.heard[STREAM_TO_SERVER].n == 0);
		CU_ASSERT(up(&k, at, text + at, 1) == STREAM_ORDINARY);
	}
	CU_ASSERT(has_heard(&k, STREAM_TO_SERVER, text, TEXT_LEN));
	CU_ASSERT(streams_stat(k.t, STREAM_STAT_REORDERED) == TEXT_LEN - 1);
	talk_end(&k);
}

/* However many pieces wait apart from each other, and whichever way they are filled up. */
static void every_second_byte_first(void)
{
	static uint8_t all[8000];
	struct talk k;

	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (uint8_t)(i * 7 >> 3);
	talk_begin(&k, NULL);
	for (int backwards = 0; backwards < 2; backwards++) {
		talk_reset(&k);
		shake_hands(&k);
		for (size_t at = 1; at < sizeof(all); at += 2)
			CU_ASSERT(up(&k, at, all + at, 1) == STREAM_ORDINARY);
		CU_ASSERT(k.heard[STREAM_TO_SERVER].n == 0);
		for (size_t i = 0; i < sizeof(all); i += 2) {
			size_t at = backwards ? sizeof(all) - 2 - i : i;

			CU_ASSERT(up(&k, at, all + at, 1) == STREAM_ORDINARY);
		}
		CU_ASSERT(has_heard(&k, STREAM_TO_SERVER, all, sizeof(all)));
	}
	talk_end(&k);
}

#define MODEL_MAX 20000

/* Sends [0, n) in random pieces, out of order, overlapping, repeated; acknowledges now and then. If
 * chance alone takes long to fill the gaps, it sends what is due, as any sender does in the end. */
static void send_shuffled(struct talk *k, struct rng *rng, enum stream_way way, const uint8_t *all,
			  size_t n)
{
	const struct heard *h = &k->heard[way];
	size_t most = 1 + rng_below(rng, 700), ahead = 1 + rng_below(rng, 5000);

	for (int i = 0; h->n < n && i < 200000; i++) {
		uint64_t back = rng_below(rng, 300);
		uint64_t from = h->n > back ? h->n - back : 0;
		size_t size = 1 + rng_below(rng, most);
		enum stream_result r;

		if (rng_below(rng, 3))
			from += rng_below(rng, ahead);
		if (i >= 100000)
			from = h->n;
		if (from >= n)
			from = n - 1;
		size = size < n - from ? size : n - from;
		r = say(k, way, ACK, from, all + from, size, k->heard[!way].n);
		if (!expect(r == STREAM_ORDINARY, "at %llu, %zu bytes: %d",
			    (unsigned long long)from, size, r))
			return;
		if (rng_below(rng, 8) == 0)
			say(k, (enum stream_way) !way, ACK, k->heard[!way].n, NULL, 0,
			    rng_below(rng, h->n + 1));
	}
}

/* One connection with up to `most` bytes each way. False: some did not arrive. */
static bool same_bytes(struct talk *k, struct rng *rng, uint8_t *all, size_t most)
{
	uint64_t state = rng->state;
	size_t n = 1 + rng_below(rng, most);

	talk_reset(k);
	/* Half of them wrap around. */
	for (int i = 0; i < STREAM_WAYS; i++)
		k->isn[i] = (uint32_t)(rng_below(rng, 2) ? -rng_below(rng, n + 2) : rng_next(rng));
	for (size_t i = 0; i < n; i++)
		all[i] = (uint8_t)rng_next(rng);
	shake_hands(k);
	for (int i = 0; i < STREAM_WAYS; i++) {
		send_shuffled(k, rng, (enum stream_way)i, all, n);
		if (!expect(has_heard(k, (enum stream_way)i, all, n),
			    "state %#llx, most %zu: %llu of %zu bytes", (unsigned long long)state,
			    most, (unsigned long long)k->heard[i].n, n))
			return false;
	}
	CU_ASSERT(!stream_is_condemned(k->s));
	return true;
}

static void any_order_gives_the_same_bytes(void)
{
	static const uint64_t failed_once[] = {
		0x5d55f731e4305928, /* more than 512 pieces wait apart from each other */
		0x5dca500018524e4b, /* chance alone does not fill the gaps */
		0x5c70db71ac657499,
	};
	struct rng rng = rng_new();
	struct talk k;
	uint8_t *all = malloc(MODEL_MAX);

	CU_ASSERT_PTR_NOT_NULL_FATAL(all);
	talk_begin(&k, NULL);
	for (size_t i = 0; i < sizeof(failed_once) / sizeof(failed_once[0]); i++)
		same_bytes(&k, &(struct rng){failed_once[i]}, all, MODEL_MAX);
	for (int run = 0; run < 3000; run++)
		if (!same_bytes(&k, &rng, all, run % 50 ? 600 : MODEL_MAX))
			break;
	free(all);
	talk_end(&k);
}

/* Any byte that differs from one that was sent and is not acknowledged condemns. */
static void any_contradiction_is_seen(void)
{
	struct rng rng = rng_new();
	struct talk k;

	talk_begin(&k, NULL);
	for (int run = 0; run < 20000; run++) {
		uint8_t other[TEXT_LEN];
		size_t from = rng_below(&rng, TEXT_LEN),
		       size = 1 + rng_below(&rng, TEXT_LEN - from);
		size_t again = rng_below(&rng, TEXT_LEN), more;
		bool early = rng_below(&rng, 2);
		size_t at;

		more = 1 + rng_below(&rng, TEXT_LEN - again);
		at = again + rng_below(&rng, more);
		memcpy(other, text, TEXT_LEN);
		other[at] ^= (uint8_t)(1 + rng_below(&rng, 255));
		talk_reset(&k);
		shake_hands(&k);
		/* The bytes from 0 on have been handed on, or wait. */
		CU_ASSERT(up(&k, early ? 0 : from, early ? text : text + from,
			     early ? from + size : size) == STREAM_ORDINARY);
		if (at < from + size && (early || at >= from)) {
			CU_ASSERT(up(&k, again, other + again, more) == STREAM_CONFLICT);
			CU_ASSERT(stream_is_condemned(k.s));
			CU_ASSERT(up(&k, 0, text, TEXT_LEN) == STREAM_CONDEMNED);
		} else {
			CU_ASSERT(up(&k, again, other + again, more) == STREAM_ORDINARY);
			CU_ASSERT(!stream_is_condemned(k.s));
		}
	}
	talk_end(&k);
}

static void what_is_acknowledged_is_settled(void)
{
	struct talk k;

	talk_begin(&k, NULL);
	shake_hands(&k);
	CU_ASSERT(up(&k, 0, "abcdef", 6) == STREAM_ORDINARY);
	CU_ASSERT(ack_up(&k, 4) == STREAM_ORDINARY);
	/* The receiver has "abcd": it does not look at these. */
	CU_ASSERT(up(&k, 0, "XXXX", 4) == STREAM_ORDINARY);
	CU_ASSERT(up(&k, 3, "Xef", 3) == STREAM_ORDINARY);
	CU_ASSERT(up(&k, 3, "dXf", 3) == STREAM_CONFLICT);
	CU_ASSERT(has_heard(&k, STREAM_TO_SERVER, "abcdef", 6));
	talk_end(&k);
}

/* A number that nobody has sent up to is no acknowledgement. */
static void false_acks_do_not_settle(void)
{
	struct talk k;

	talk_begin(&k, NULL);
	shake_hands(&k);
	CU_ASSERT(up(&k, 0, "abcdef", 6) == STREAM_ORDINARY);
	ack_up(&k, 7);
	ack_up(&k, 100000);
	CU_ASSERT(up(&k, 0, "abcdeX", 6) == STREAM_CONFLICT);
	talk_end(&k);
}

static void keep_alive_probes_pass(void)
{
	struct talk k;

	talk_begin(&k, NULL);
	shake_hands(&k);
	up(&k, 0, "abcdef", 6);
	ack_up(&k, 6);
	CU_ASSERT(up(&k, 5, NULL, 0) == STREAM_ORDINARY);
	CU_ASSERT(up(&k, 5, "\0", 1) == STREAM_ORDINARY);
	CU_ASSERT(up(&k, 6, "ghi", 3) == STREAM_ORDINARY);
	CU_ASSERT(has_heard(&k, STREAM_TO_SERVER, "abcdefghi", 9));
	talk_end(&k);
}

/* The byte that completes a match never gets out, however it is sent. */
static void a_drop_holds(void)
{
	struct talk k;

	talk_begin(&k, NULL);
	k.bad = "evil";
	shake_hands(&k);
	CU_ASSERT(up(&k, 0, "e", 1) == STREAM_ORDINARY);
	CU_ASSERT(up(&k, 2, "il", 2) == STREAM_ORDINARY);
	CU_ASSERT(up(&k, 1, "v", 1) == STREAM_CONDEMNED);
	CU_ASSERT(up(&k, 1, "v", 1) == STREAM_CONDEMNED);
	CU_ASSERT(up(&k, 0, "evil", 4) == STREAM_CONDEMNED);
	CU_ASSERT(up(&k, 4, "more", 4) == STREAM_CONDEMNED);
	CU_ASSERT(down(&k, 0, "answer", 6) == STREAM_CONDEMNED);
	CU_ASSERT(k.heard[STREAM_TO_SERVER].n == 4 && k.heard[STREAM_TO_CLIENT].n == 0);
	CU_ASSERT(!stream_done(k.s));
	/* Bare acknowledgements and resets end it for both sides. */
	CU_ASSERT(say(&k, STREAM_TO_SERVER, RST, 4, NULL, 0, 0) == STREAM_ORDINARY);
	CU_ASSERT(up(&k, 1, "v", 1) == STREAM_CONDEMNED);
	talk_end(&k);
}

static void a_new_connection_is_not_condemned(void)
{
	struct talk k;

	talk_begin(&k, NULL);
	shake_hands(&k);
	up(&k, 0, "abc", 3);
	stream_condemn(k.s);
	CU_ASSERT(up(&k, 3, "d", 1) == STREAM_CONDEMNED);
	k.isn[STREAM_TO_SERVER] += 77777;
	k.isn[STREAM_TO_CLIENT] += 88888;
	CU_ASSERT(say(&k, STREAM_TO_SERVER, SYN, (uint64_t)-1, NULL, 0, 0) == STREAM_ORDINARY);
	CU_ASSERT(up(&k, 0, "d", 1) == STREAM_CONDEMNED);
	CU_ASSERT(say(&k, STREAM_TO_CLIENT, SYN | ACK, (uint64_t)-1, NULL, 0, 0) ==
		  STREAM_ORDINARY);
	k.heard[STREAM_TO_SERVER].n = 0;
	CU_ASSERT(up(&k, 0, "d", 1) == STREAM_ORDINARY);
	CU_ASSERT(has_heard(&k, STREAM_TO_SERVER, "d", 1));
	CU_ASSERT(k.gone == 1 && streams_stat(k.t, STREAM_STAT_RESTARTED) == 1);
	talk_end(&k);
}

/* SYN, FIN and RST that the receiver does not take must not cut a text in two. */
static void what_ends_a_flow_may_be_false(void)
{
	struct talk k;

	talk_begin(&k, NULL);
	shake_hands(&k);
	up(&k, 0, "ev", 2);
	CU_ASSERT(say(&k, STREAM_TO_SERVER, RST, 2, NULL, 0, 0) == STREAM_ORDINARY);
	CU_ASSERT(say(&k, STREAM_TO_SERVER, SYN, 1, NULL, 0, 0) == STREAM_ORDINARY);
	CU_ASSERT(say(&k, STREAM_TO_SERVER, SYN, 900, "x", 1, 0) == STREAM_OUTSIDE);
	CU_ASSERT(say(&k, STREAM_TO_CLIENT, SYN | ACK, 50000, NULL, 0, 2) == STREAM_OUTSIDE);
	CU_ASSERT(up(&k, 2, "il", 2) == STREAM_ORDINARY);
	CU_ASSERT(has_heard(&k, STREAM_TO_SERVER, "evil", 4));
	/* Where a FIN has been, nothing goes on. */
	CU_ASSERT(say(&k, STREAM_TO_SERVER, FIN | ACK, 4, NULL, 0, 0) == STREAM_ORDINARY);
	CU_ASSERT(up(&k, 4, "more", 4) == STREAM_CONFLICT);
	talk_end(&k);
}

static void a_fin_has_one_place(void)
{
	struct talk k;

	talk_begin(&k, NULL);
	shake_hands(&k);
	CU_ASSERT(say(&k, STREAM_TO_SERVER, FIN | ACK, 4, "ef", 2, 0) == STREAM_ORDINARY);
	CU_ASSERT(up(&k, 0, "abcd", 4) == STREAM_ORDINARY);
	CU_ASSERT(has_heard(&k, STREAM_TO_SERVER, "abcdef", 6));
	CU_ASSERT(say(&k, STREAM_TO_SERVER, FIN | ACK, 6, NULL, 0, 0) == STREAM_ORDINARY);
	CU_ASSERT(say(&k, STREAM_TO_SERVER, FIN | ACK, 5, NULL, 0, 0) == STREAM_CONFLICT);
	talk_end(&k);
}

static void half_closed_flows_go_on(void)
{
	struct talk k;

	talk_begin(&k, NULL);
	shake_hands(&k);
	CU_ASSERT(say(&k, STREAM_TO_SERVER, FIN | ACK, 0, "ask", 3, 0) == STREAM_ORDINARY);
	CU_ASSERT(say(&k, STREAM_TO_CLIENT, ACK, 0, "answer", 6, 4) == STREAM_ORDINARY);
	CU_ASSERT(stream_way_done(k.s, STREAM_TO_SERVER) && !stream_done(k.s));
	CU_ASSERT(up(&k, 4, "late", 4) == STREAM_OUTSIDE);
	CU_ASSERT(say(&k, STREAM_TO_CLIENT, FIN | ACK, 6, "!", 1, 4) == STREAM_ORDINARY);
	CU_ASSERT(has_heard(&k, STREAM_TO_CLIENT, "answer!", 7));
	CU_ASSERT(say(&k, STREAM_TO_SERVER, ACK, 4, NULL, 0, 8) == STREAM_ORDINARY);
	CU_ASSERT(stream_done(k.s));
	/* Both sides have ended it: a SYN begins another one at once. */
	k.isn[STREAM_TO_SERVER] += 100000;
	CU_ASSERT(say(&k, STREAM_TO_SERVER, SYN, (uint64_t)-1, NULL, 0, 0) == STREAM_ORDINARY);
	CU_ASSERT(k.gone == 1 && !stream_done(k.s));
	talk_end(&k);
}

static void flows_are_picked_up(void)
{
	struct talk k;

	talk_begin(&k, NULL);
	CU_ASSERT(up(&k, 500, NULL, 0) == STREAM_ORDINARY && !k.s);
	CU_ASSERT(up(&k, 500, "abc", 3) == STREAM_ORDINARY);
	CU_ASSERT(k.s && stream_is_picked_up(k.s));
	CU_ASSERT(has_heard(&k, STREAM_TO_SERVER, "abc", 3));
	CU_ASSERT(up(&k, 503, "def", 3) == STREAM_ORDINARY);
	CU_ASSERT(down(&k, 9000, "xyz", 3) == STREAM_ORDINARY);
	CU_ASSERT(has_heard(&k, STREAM_TO_SERVER, "abcdef", 6));
	CU_ASSERT(has_heard(&k, STREAM_TO_CLIENT, "xyz", 3));
	/* What was before the first segment cannot be known. */
	CU_ASSERT(up(&k, 400, "zzz", 3) == STREAM_STALE);
	CU_ASSERT(stream_must_drop(STREAM_STALE, true) && !stream_must_drop(STREAM_STALE, false));
	CU_ASSERT(up(&k, 498, "zzabcdefghi", 11) == STREAM_STALE);
	CU_ASSERT(has_heard(&k, STREAM_TO_SERVER, "abcdefghi", 9));
	CU_ASSERT(up(&k, 498, "zzabXdefghi", 11) == STREAM_CONFLICT);
	talk_end(&k);
}

/* By the server's answer as well as by the client's question. */
static void picked_up_ways_are_by_port(void)
{
	struct talk k;

	talk_begin(&k, NULL);
	CU_ASSERT(down(&k, 9000, "xyz", 3) == STREAM_ORDINARY);
	CU_ASSERT(has_heard(&k, STREAM_TO_CLIENT, "xyz", 3));
	CU_ASSERT(up(&k, 10, "abc", 3) == STREAM_ORDINARY);
	CU_ASSERT(has_heard(&k, STREAM_TO_SERVER, "abc", 3));
	talk_end(&k);
}

static void data_in_a_syn(void)
{
	struct talk k;

	talk_begin(&k, NULL);
	CU_ASSERT(say(&k, STREAM_TO_SERVER, SYN, (uint64_t)-1, "fast", 4, 0) == STREAM_ORDINARY);
	CU_ASSERT(has_heard(&k, STREAM_TO_SERVER, "fast", 4));
	say(&k, STREAM_TO_CLIENT, SYN | ACK, (uint64_t)-1, NULL, 0, 0);
	CU_ASSERT(up(&k, 0, "fast!", 5) == STREAM_ORDINARY);
	CU_ASSERT(has_heard(&k, STREAM_TO_SERVER, "fast!", 5));
	CU_ASSERT(up(&k, 0, "slow!", 5) == STREAM_CONFLICT);
	talk_end(&k);
}

static void urgent_bytes_are_told(void)
{
	struct talk k;

	talk_begin(&k, NULL);
	shake_hands(&k);
	CU_ASSERT(say(&k, STREAM_TO_SERVER, ACK | URG, 0, "abc", 3, 0) == STREAM_URGENT);
	CU_ASSERT(has_heard(&k, STREAM_TO_SERVER, "abc", 3));
	CU_ASSERT(stream_must_drop(STREAM_URGENT, true) && !stream_must_drop(STREAM_URGENT, false));
	talk_end(&k);
}

static void what_no_receiver_takes_is_outside(void)
{
	static const uint8_t flags[] = {0, FIN, URG, SYN | FIN, SYN | RST, SYN | FIN | ACK};
	struct talk k;

	talk_begin(&k, NULL);
	shake_hands(&k);
	for (size_t i = 0; i < sizeof(flags); i++)
		expect(say(&k, STREAM_TO_SERVER, flags[i], 0, "abc", 3, 0) == STREAM_OUTSIDE,
		       "flags %#x", flags[i]);
	CU_ASSERT(up(&k, (1u << 30) + 1, "abc", 3) == STREAM_OUTSIDE);
	CU_ASSERT(up(&k, (uint64_t) - (1ll << 30) - 1, "abc", 3) == STREAM_OUTSIDE);
	CU_ASSERT(k.heard[STREAM_TO_SERVER].n == 0);
	CU_ASSERT(stream_must_drop(STREAM_OUTSIDE, false));
	CU_ASSERT(up(&k, 0, "abc", 3) == STREAM_ORDINARY);
	talk_end(&k);
}

static void only_whole_segments_are_tracked(void)
{
	struct talk k;
	struct packet p;

	talk_begin(&k, NULL);
	p = talk_packet(&k, STREAM_TO_SERVER);
	p.tcp_flags = ACK;
	p.payload_length = 3;
	CU_ASSERT(streams_segment(k.t, 7, &p, NULL, 1, &k.s) == STREAM_UNTRACKED && !k.s);
	p.malformed = true;
	CU_ASSERT(streams_segment(k.t, 7, &p, (const uint8_t *)"abc", 1, &k.s) == STREAM_UNTRACKED);
	p.malformed = false;
	p.fragment.is = true;
	CU_ASSERT(streams_segment(k.t, 7, &p, (const uint8_t *)"abc", 1, &k.s) == STREAM_UNTRACKED);
	CU_ASSERT(streams_result_count(k.t, STREAM_UNTRACKED) == 3);
	talk_end(&k);
}

/* As over IPv4, by the whole of the addresses. */
static void streams_over_ipv6(void)
{
	struct talk k;

	talk_begin(&k, NULL);
	up(&k, 0, "GET", 3);
	k.family = 6;
	talk_reset(&k);
	k.client_port--;
	shake_hands(&k);
	CU_ASSERT(streams_count(k.t) == 2);
	CU_ASSERT(up(&k, 2, "il", 2) == STREAM_ORDINARY);
	CU_ASSERT(up(&k, 0, "ev", 2) == STREAM_ORDINARY);
	CU_ASSERT(down(&k, 0, "answer", 6) == STREAM_ORDINARY);
	CU_ASSERT(has_heard(&k, STREAM_TO_SERVER, "evil", 4));
	CU_ASSERT(has_heard(&k, STREAM_TO_CLIENT, "answer", 6));
	CU_ASSERT(up(&k, 4, "!", 1) == STREAM_ORDINARY);
	k.host[STREAM_TO_SERVER]++;
	talk_reset(&k);
	k.client_port--;
	CU_ASSERT(up(&k, 0, "other", 5) == STREAM_ORDINARY);
	CU_ASSERT(streams_count(k.t) == 3 && has_heard(&k, STREAM_TO_SERVER, "other", 5));
	k.host[STREAM_TO_SERVER]--;
	CU_ASSERT(up(&k, 4, "X", 1) == STREAM_CONFLICT && streams_count(k.t) == 3);
	talk_end(&k);
}

/* The receiver has what went past here. */
static void gaps_are_told(void)
{
	struct talk k;

	talk_begin(&k, NULL);
	shake_hands(&k);
	up(&k, 0, "ab", 2);
	CU_ASSERT(up(&k, 5, "fg", 2) == STREAM_ORDINARY);
	CU_ASSERT(up(&k, 9, "jk", 2) == STREAM_ORDINARY);
	CU_ASSERT(k.heard[STREAM_TO_SERVER].n == 2);
	ack_up(&k, 7);
	CU_ASSERT(k.heard[STREAM_TO_SERVER].n == 7 && k.heard[STREAM_TO_SERVER].gaps == 3);
	ack_up(&k, 11);
	CU_ASSERT(k.heard[STREAM_TO_SERVER].n == 11 && k.heard[STREAM_TO_SERVER].gaps == 5);
	CU_ASSERT(memcmp(k.heard[STREAM_TO_SERVER].bytes + 5, "fg\0\0jk", 6) == 0);
	CU_ASSERT(up(&k, 11, "l", 1) == STREAM_ORDINARY);
	CU_ASSERT(k.heard[STREAM_TO_SERVER].n == 12 && k.heard[STREAM_TO_SERVER].in_order);
	CU_ASSERT(streams_stat(k.t, STREAM_STAT_GAPS) == 2);
	talk_end(&k);
}

static const struct unit_test tests[] = {
	{"a text split at every byte is whole", split_at_every_byte},
	{"one byte a segment, forwards and backwards", one_byte_a_segment},
	{"every second byte first, then the others", every_second_byte_first},
	{"any order, repetition and wrap-around give the same bytes",
	 any_order_gives_the_same_bytes},
	{"any byte that contradicts one before condemns", any_contradiction_is_seen},
	{"what is acknowledged is settled", what_is_acknowledged_is_settled},
	{"an acknowledgement of what was not sent is none", false_acks_do_not_settle},
	{"keep-alive probes pass", keep_alive_probes_pass},
	{"the completing byte never gets out", a_drop_holds},
	{"a new connection of a condemned 5-tuple is not condemned",
	 a_new_connection_is_not_condemned},
	{"RST, SYN and FIN do not hide what follows", what_ends_a_flow_may_be_false},
	{"a FIN has one place", a_fin_has_one_place},
	{"half-closed flows go on", half_closed_flows_go_on},
	{"flows are picked up in the middle", flows_are_picked_up},
	{"ports tell the ways of a flow that was picked up", picked_up_ways_are_by_port},
	{"data in a SYN", data_in_a_syn},
	{"urgent bytes are told", urgent_bytes_are_told},
	{"what no receiver takes is outside", what_no_receiver_takes_is_outside},
	{"only whole segments are tracked", only_whole_segments_are_tracked},
	{"over IPv6", streams_over_ipv6},
	{"gaps are told", gaps_are_told},
};
UNIT_SUITE("fw/stream", tests)
