/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "fw/note_set.h"
#include "unit.h"

#define PRINT	0x1234u
#define ANOTHER 0x5678u
#define LIKE_IT (PRINT + (1ull << 32)) /* its tag is the same */

static struct note_set set;
static struct note_taken taken[ABI_NOTE_WAYS];
static uint64_t now, empty_ns;

static void reset(void)
{
	memset(&set, 0, sizeof(set));
	memset(taken, 0, sizeof(taken));
	now = empty_ns = 0;
}

/* As the note program does: note_one_more() and put_note() in probes/note.bpf.c. */
static void put(uint64_t print, uint64_t cookie)
{
	size_t way = (set.next - 1) % ABI_NOTE_WAYS;
	bool same, another;
	struct note *n;

	for (size_t i = 1; i < ABI_NOTE_WAYS && set.way[way].print != print; i++)
		way = (set.next - 1 - i) % ABI_NOTE_WAYS;
	n = &set.way[way];
	if (n->print == print && n->cookie == cookie && !n->flags) {
		n->packets++;
		n->when_ns = ++now;
		return;
	}
	way = set.next++ % ABI_NOTE_WAYS;
	n = &set.way[way];
	same = n->print == print;
	another = same && n->cookie && (n->cookie != cookie || n->flags & NOTE_OVERRUN);
	n->print = print;
	set.tag[way] = abi_note_tag(print);
	n->cookie = cookie;
	n->when_ns = ++now;
	n->state = NOTE_PROVEN;
	n->flags = another ? NOTE_OVERRUN : 0;
	n->before = abi_note_count(n->packets, n->seq);
	n->seq += 2;
	n->packets = abi_note_packets(n->seq, 1);
}

static void expect_taken(uint64_t cookie)
{
	struct note n;

	CU_ASSERT_TRUE_FATAL(note_set_take(&set, taken, PRINT, empty_ns, &n));
	CU_ASSERT_EQUAL(n.cookie, cookie);
	CU_ASSERT_EQUAL(n.flags, 0);
}

static void expect_astray(void)
{
	struct note n;

	CU_ASSERT_TRUE_FATAL(note_set_take(&set, taken, PRINT, empty_ns, &n));
	CU_ASSERT_EQUAL(n.flags, NOTE_OVERRUN);
}

static void expect_none(void)
{
	struct note n;

	CU_ASSERT_FALSE(note_set_take(&set, taken, PRINT, empty_ns, &n));
}

static void each_is_taken_once_the_oldest_first(void)
{
	reset();
	expect_none();
	for (uint64_t cookie = 1; cookie <= ABI_NOTE_WAYS; cookie++)
		put(PRINT, cookie);
	for (uint64_t cookie = 1; cookie <= ABI_NOTE_WAYS; cookie++)
		expect_taken(cookie);
	expect_none();
}

static void of_another_print_it_is_no_packet_s(void)
{
	reset();
	put(ANOTHER, 1);
	expect_none();
	put(PRINT, 2);
	expect_taken(2);
}

static void one_that_is_being_written_is_none(void)
{
	reset();
	put(PRINT, 1);
	set.way[0].seq++;
	expect_none();
	set.way[0].seq++;
	expect_taken(1);
}

/* However many come after each other: each is taken before its place is. */
static void alike_one_by_one(void)
{
	reset();
	for (uint64_t cookie = 1; cookie <= 5 * ABI_NOTE_WAYS; cookie++) {
		put(PRINT, cookie);
		expect_taken(cookie);
	}
	expect_none();
}

/* One more than there is room for: the first has lost his, and nobody can tell who that was. */
static void one_too_many_at_once(void)
{
	reset();
	for (uint64_t cookie = 1; cookie <= ABI_NOTE_WAYS + 1; cookie++)
		put(PRINT, cookie);
	for (int i = 0; i <= ABI_NOTE_WAYS; i++)
		expect_astray();
}

static void lost_until_another_print_is_there(void)
{
	one_too_many_at_once();
	put(PRINT, 20); /* beside the place where one was lost */
	expect_astray();
	for (uint64_t i = 0; i < ABI_NOTE_WAYS; i++)
		put(ANOTHER, 30 + i);
	expect_none();
	put(PRINT, 40);
	expect_taken(40);
}

/* One note is of all of them, each takes it once. */
static void of_one_socket_none_is_lost(void)
{
	reset();
	for (int i = 0; i < 3 * ABI_NOTE_WAYS; i++)
		put(PRINT, 1);
	for (int i = 0; i < 3 * ABI_NOTE_WAYS; i++)
		expect_taken(1);
	expect_none();
	put(PRINT, 1);
	expect_taken(1);
	expect_none();
}

static void what_is_sent_again_and_again_washes_none_away(void)
{
	reset();
	put(PRINT, 1);
	for (int i = 0; i < 3 * ABI_NOTE_WAYS; i++)
		put(ANOTHER, 2);
	expect_taken(1);
}

/* Where a note has several packets, their order is still that of the queue. */
static void by_turns(void)
{
	static const uint64_t order[] = {1, 1, 2, 2, 2, 1, 2, 2};

	reset();
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		put(PRINT, order[i]);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		expect_taken(order[i]);
	expect_none();
}

/* The note of three packets is written over when so many of them had taken it. */
static void written_over_after(int taken_before, void (*expect)(uint64_t))
{
	reset();
	for (int i = 0; i < 3; i++)
		put(PRINT, 1);
	for (int i = 0; i < taken_before; i++)
		expect_taken(1);
	for (uint64_t cookie = 2; cookie <= ABI_NOTE_WAYS; cookie++) {
		put(PRINT, cookie);
		if (taken_before == 3)
			expect_taken(cookie);
	}
	put(PRINT, ABI_NOTE_WAYS + 1);
	expect(ABI_NOTE_WAYS + 1);
}

static void astray(uint64_t cookie)
{
	(void)cookie;
	expect_astray();
}

static void written_over_too_early(void)
{
	written_over_after(2, astray);
	written_over_after(3, expect_taken);
}

/* A count that was of the note before says nothing of this one. */
static void a_count_is_of_one_note(void)
{
	reset();
	put(PRINT, 1);
	set.way[0].packets = abi_note_packets(set.way[0].seq - 2, 5);
	expect_taken(1);
	expect_none();
	CU_ASSERT_EQUAL(abi_note_count(abi_note_packets(0x100000002, 7), 0x100000002), 7);
	CU_ASSERT_EQUAL(abi_note_count(abi_note_packets(2, 7), 4), 0);
}

/* The queue was empty long after a note, and so its packet never came there. */
static void a_note_whose_packet_never_came(void)
{
	reset();
	put(PRINT, 1);
	now = empty_ns = 1000000000;
	put(PRINT, 2);
	expect_taken(2);
	expect_none();
}

/* A sender may lose the processor between the note and the queue. */
static void a_note_whose_packet_is_on_its_way(void)
{
	reset();
	put(PRINT, 1);
	now = empty_ns = 50000000;
	put(PRINT, 2);
	expect_taken(1);
	expect_taken(2);
}

/* How old one is, is told by the latest of its packets. */
static void a_note_of_one_packet_more(void)
{
	reset();
	put(PRINT, 1);
	now = empty_ns = 1000000000;
	put(PRINT, 1);
	put(PRINT, 2);
	expect_taken(1);
}

/* As packet_dropped() in probes/note_drop.bpf.c does with the one written last. */
static void take_back(void)
{
	size_t way = --set.next % ABI_NOTE_WAYS;

	set.way[way].print = 0;
	set.way[way].packets = 0;
	set.way[way].seq += 2;
}

/* However many packets the full queue drops, what waits in it keeps its notes. */
static void notes_that_are_taken_back(void)
{
	reset();
	for (uint64_t cookie = 1; cookie < ABI_NOTE_WAYS; cookie++)
		put(PRINT, cookie);
	for (int i = 0; i < 3 * ABI_NOTE_WAYS; i++) {
		put(i % 2 ? PRINT : ANOTHER, 100 + i);
		take_back();
	}
	for (uint64_t cookie = 1; cookie < ABI_NOTE_WAYS; cookie++)
		expect_taken(cookie);
	expect_none();
	put(PRINT, 200);
	expect_taken(200);
}

/* There are as many as the queues may need, and no more than the bound. */
static void as_many_sets_as_the_queues_need(void)
{
	CU_ASSERT_EQUAL(abi_note_set_bits(0), ABI_NOTE_SET_BITS_MIN);
	CU_ASSERT_EQUAL(abi_note_set_bits(3 * 4096), 10);
	CU_ASSERT_EQUAL(abi_note_set_bits(3 * 4096 + 1), 11);
	CU_ASSERT_EQUAL(abi_note_set_bits(24 * 4096), 13);
	CU_ASSERT_EQUAL(abi_note_set_bits(UINT64_MAX), ABI_NOTE_SET_BITS_MAX);
}

/* Keys that one secret has in one set, another has in many. */
static void keys_in_one_set(void)
{
	const uint64_t secret = 0x5851f42d4c957f2d, other = 0xd1342543de82ef95;
	bool seen[1 << ABI_NOTE_SET_BITS_MIN] = {false};
	int keys = 0, sets = 0;

	for (uint64_t key = 1; keys < 64; key += 0x9e3779b97f4a7c15) {
		uint32_t at = abi_note_set(key, other, ABI_NOTE_SET_BITS_MIN);

		CU_ASSERT_FATAL(at < 1 << ABI_NOTE_SET_BITS_MIN);
		if (abi_note_set(key, secret, ABI_NOTE_SET_BITS_MIN) != 7)
			continue;
		keys++;
		sets += !seen[at];
		seen[at] = true;
	}
	CU_ASSERT(sets > 48);
}

static void one_tag_is_not_one_print(void)
{
	reset();
	CU_ASSERT_EQUAL(abi_note_tag(PRINT), abi_note_tag(LIKE_IT));
	put(LIKE_IT, 1);
	expect_none();
	put(PRINT, 2);
	expect_taken(2);
	expect_none();
}

static const struct unit_test tests[] = {
	{"one tag is not one print", one_tag_is_not_one_print},
	{"each is taken once, the oldest first", each_is_taken_once_the_oldest_first},
	{"of another print it is no packet's", of_another_print_it_is_no_packet_s},
	{"one that is being written is none", one_that_is_being_written_is_none},
	{"many that are alike, one by one", alike_one_by_one},
	{"one too many at once", one_too_many_at_once},
	{"what is lost is lost until another print is there", lost_until_another_print_is_there},
	{"of one socket none is lost", of_one_socket_none_is_lost},
	{"what is sent again and again washes none away",
	 what_is_sent_again_and_again_washes_none_away},
	{"by turns", by_turns},
	{"written over too early", written_over_too_early},
	{"a count is of one note", a_count_is_of_one_note},
	{"a note whose packet never came", a_note_whose_packet_never_came},
	{"a note whose packet is on its way", a_note_whose_packet_is_on_its_way},
	{"a note of one packet more", a_note_of_one_packet_more},
	{"notes that are taken back", notes_that_are_taken_back},
	{"as many sets as the queues need", as_many_sets_as_the_queues_need},
	{"keys that are in one set", keys_in_one_set},
};
UNIT_SUITE("fw/note_set", tests)
