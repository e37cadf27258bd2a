/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tcp_talk.h"
#include "unit.h"

/* From 100,000 clients a SYN each: cheap, and the flow that has data stays. */
static void half_open_flows_are_cheap(void)
{
	struct stream_limits limits = stream_limits_default;
	struct talk k;
	size_t empty;

	limits.flows = 50000;
	talk_begin(&k, &limits);
	empty = streams_memory(k.t);
	k.client_port = 1;
	shake_hands(&k);
	up(&k, 0, "ev", 2);
	for (uint32_t i = 0; i < 100000; i++) {
		struct packet p = talk_packet(&k, STREAM_TO_SERVER);

		p.saddr[0] = 10;
		memcpy(p.saddr + 1, &i, 3);
		p.tcp_flags = SYN;
		CU_ASSERT(streams_segment(k.t, 7, &p, NULL, ++k.now, &k.s) == STREAM_ORDINARY);
	}
	CU_ASSERT(streams_count(k.t) == 50000);
	CU_ASSERT(streams_stat(k.t, STREAM_STAT_EVICTED) == 50001);
	CU_ASSERT((streams_memory(k.t) - empty) / 50000 < 200);
	CU_ASSERT(up(&k, 2, "il", 2) == STREAM_ORDINARY && !stream_is_picked_up(k.s));
	CU_ASSERT(has_heard(&k, STREAM_TO_SERVER, "evil", 4));
	talk_end(&k);
}

static void memory_is_bounded(void)
{
	static uint8_t much[60000];
	struct stream_limits limits = stream_limits_default;
	struct talk k;

	limits.memory = 4u << 20;
	talk_begin(&k, &limits);
	for (int i = 0; i < 500; i++) {
		talk_reset(&k);
		shake_hands(&k);
		CU_ASSERT(up(&k, 0, much, sizeof(much)) == STREAM_ORDINARY);
		CU_ASSERT(up(&k, 100000, much, sizeof(much)) == STREAM_ORDINARY);
		CU_ASSERT(streams_memory(k.t) <= limits.memory);
	}
	CU_ASSERT(streams_stat(k.t, STREAM_STAT_EVICTED) > 400);
	/* What the user takes counts. */
	stream_charge(k.s, 8u << 20);
	CU_ASSERT(up(&k, 0, NULL, 0) == STREAM_ORDINARY && streams_count(k.t) == 0);
	CU_ASSERT(k.gone == 500);
	talk_end(&k);
}

/* Only so far, then nothing is kept; done once the receiver has it. */
static void depth_ends_it(void)
{
	static uint8_t much[70000];
	struct stream_limits limits = stream_limits_default;
	struct talk k;

	limits.depth = 100000;
	talk_begin(&k, &limits);
	shake_hands(&k);
	CU_ASSERT(up(&k, 0, much, 70000) == STREAM_ORDINARY);
	CU_ASSERT(up(&k, 70000, much, 70000) == STREAM_ORDINARY);
	CU_ASSERT(k.heard[STREAM_TO_SERVER].n == 100000);
	CU_ASSERT(up(&k, 140000, much, 70000) == STREAM_BEYOND);
	CU_ASSERT(!stream_must_drop(STREAM_BEYOND, true));
	CU_ASSERT(!stream_way_done(k.s, STREAM_TO_SERVER));
	CU_ASSERT(up(&k, 99999, "x", 1) == STREAM_CONFLICT);
	talk_end(&k);

	talk_begin(&k, &limits);
	shake_hands(&k);
	up(&k, 0, much, 70000);
	up(&k, 70000, much, 70000);
	ack_up(&k, 140000);
	CU_ASSERT(stream_way_done(k.s, STREAM_TO_SERVER) && !stream_done(k.s));
	stream_finish(k.s, STREAM_TO_CLIENT);
	CU_ASSERT(stream_done(k.s));
	CU_ASSERT(streams_memory(k.t) < (2u << 20));
	CU_ASSERT(up(&k, 140000, much, 70000) == STREAM_BEYOND);
	/* What came after it need not have been shown: the next that is may be anywhere. */
	for (uint64_t at = 1; at < 6; at++)
		CU_ASSERT(up(&k, at * (3ull << 29), much, 70000) == STREAM_BEYOND);
	CU_ASSERT(up(&k, 5, "x", 1) == STREAM_BEYOND && stream_done(k.s));
	talk_end(&k);
}

static void finished_ways_are_still_compared(void)
{
	struct talk k;

	talk_begin(&k, NULL);
	k.finish_at = 3;
	shake_hands(&k);
	up(&k, 0, "abc", 3);
	CU_ASSERT(!stream_way_done(k.s, STREAM_TO_SERVER));
	CU_ASSERT(up(&k, 3, "def", 3) == STREAM_BEYOND && k.heard[STREAM_TO_SERVER].n == 3);
	ack_up(&k, 2);
	CU_ASSERT(up(&k, 2, "X", 1) == STREAM_CONFLICT);
	talk_end(&k);
}

static void deep_bytes_are_handed_on(void)
{
	static uint8_t much[60000];
	struct stream_limits limits = stream_limits_default;
	struct talk k;
	size_t high;

	limits.depth = 0;
	talk_begin(&k, &limits);
	shake_hands(&k);
	up(&k, 0, much, sizeof(much));
	high = streams_memory(k.t);
	for (uint64_t at = sizeof(much); at < 1900000; at += sizeof(much)) {
		ack_up(&k, at);
		CU_ASSERT(up(&k, at, much, sizeof(much)) == STREAM_ORDINARY);
		CU_ASSERT(streams_memory(k.t) == high); /* nothing is allocated */
	}
	CU_ASSERT(k.heard[STREAM_TO_SERVER].n > 1800000 && k.heard[STREAM_TO_SERVER].in_order);
	talk_end(&k);
}

/* Nobody acknowledges: the window is all that can be compared. */
static void what_is_forgotten_is_stale(void)
{
	static uint8_t much[60000];
	struct stream_limits limits = stream_limits_default;
	struct talk k;

	limits.window = 65536;
	talk_begin(&k, &limits);
	shake_hands(&k);
	for (uint64_t at = 0; at < 300000; at += sizeof(much))
		CU_ASSERT(up(&k, at, much, sizeof(much)) == STREAM_ORDINARY);
	CU_ASSERT(up(&k, 0, much, 100) == STREAM_STALE);
	CU_ASSERT(streams_stat(k.t, STREAM_STAT_FORGOTTEN) > 0);
	CU_ASSERT(up(&k, 300000 + 10000, much, 60000) == STREAM_FULL);
	CU_ASSERT(stream_must_drop(STREAM_FULL, false));
	talk_end(&k);
}

static void idle_flows_expire(void)
{
	struct talk k;

	talk_begin(&k, NULL);
	shake_hands(&k);
	stream_set_user(k.s, malloc(1));
	CU_ASSERT(streams_expire(k.t, k.now + stream_limits_default.idle_ns - 1, 10) == 0);
	CU_ASSERT(streams_expire(k.t, k.now + stream_limits_default.idle_ns, 10) == 1);
	CU_ASSERT(streams_count(k.t) == 0 && k.gone == 1);
	talk_end(&k);
}

static void namespaces_are_apart(void)
{
	struct talk k;
	struct packet p;
	struct stream *other;

	talk_begin(&k, NULL);
	up(&k, 0, "abc", 3);
	p = talk_packet(&k, STREAM_TO_SERVER);
	p.tcp_flags = SYN;
	CU_ASSERT(streams_segment(k.t, 8, &p, NULL, 1, &other) == STREAM_ORDINARY);
	CU_ASSERT(other != k.s && streams_count(k.t) == 2);
	talk_end(&k);
}

static const struct unit_test tests[] = {
	{"half-open flows are cheap, and go first", half_open_flows_are_cheap},
	{"memory is bounded, the user's too", memory_is_bounded},
	{"depth ends it, once it is acknowledged", depth_ends_it},
	{"finished ways are still compared", finished_ways_are_still_compared},
	{"deep bytes are handed on without allocation", deep_bytes_are_handed_on},
	{"what is forgotten is stale", what_is_forgotten_is_stale},
	{"idle flows expire", idle_flows_expire},
	{"network namespaces are apart", namespaces_are_apart},
};
UNIT_SUITE("fw/stream_table", tests)
