/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "fw/note_table.h"
#include "unit.h"

#define PRINT	0x1234u
#define ANOTHER 0x5678u
#define LIKE_IT (PRINT + (1ull << 32)) /* its tag is the same */

#define RING_BITS 6 /* more notes than a set has ways, and few enough to go round */
#define RING	  (1u << RING_BITS)
#define CPUS	  2

static struct note_set set;
static struct note_head heads[CPUS << RING_BITS];
static struct note_rest rests[CPUS * RING / ABI_NOTE_RESTS];
static struct note_taken taken[CPUS << RING_BITS];
static struct note_table table;
static uint64_t turns[CPUS], rest_turns[CPUS];
static uint32_t cpu; /* that writes */
static uint64_t now, empty_ns;
static struct note_mixed mixed;

/* One set has them all. */
static void reset(void)
{
	memset(&set, 0, sizeof(set));
	memset(heads, 0, sizeof(heads));
	memset(rests, 0, sizeof(rests));
	memset(taken, 0, sizeof(taken));
	memset(turns, 0, sizeof(turns));
	memset(rest_turns, 0, sizeof(rest_turns));
	table = (struct note_table){.sets = &set,
				    .heads = heads,
				    .rests = rests,
				    .taken = taken,
				    .mixed = &mixed,
				    .set_bits = 1, /* these prints are all of the first */
				    .ring_bits = RING_BITS,
				    .cpus = CPUS};
	cpu = 0;
	now = empty_ns = mixed.when_ns = 0;
}

static struct note_head *head_at(uint32_t at)
{
	return &heads[abi_note_index(at, RING_BITS)];
}

static struct note_head *find(uint64_t print)
{
	for (size_t i = 1; i <= ABI_NOTE_WAYS; i++) {
		size_t way = (set.next - i) % ABI_NOTE_WAYS;
		struct note_head *h = head_at(set.at[way]);

		if (set.tag[way] == abi_note_tag(print) && h->turn && h->print == print &&
		    abi_note_is_at(h->turn, set.at[way]))
			return h;
	}
	return NULL;
}

/* As the note program does: note_one_more() and put_note() in probes/note.bpf.c. Returns where. */
static struct note_head *put(uint64_t print, uint64_t cookie)
{
	struct note_head *alike = find(print), *h;
	uint64_t turn;
	size_t way;

	if (alike && alike->cookie == cookie && !(alike->flags & ~NOTE_ALIKE)) {
		alike->packets++;
		alike->when_ns = ++now;
		return alike;
	}
	turn = ++turns[cpu];
	way = set.next++ % ABI_NOTE_WAYS;
	h = head_at(abi_note_at(cpu, turn));
	memset(h, 0, sizeof(*h));
	h->print = print;
	h->cookie = cookie;
	h->when_ns = ++now;
	h->state = NOTE_PROVEN;
	h->flags = alike ? NOTE_ALIKE : 0;
	if (alike && set.tag[way] == abi_note_tag(print) && head_at(set.at[way])->print == print &&
	    abi_note_is_at(head_at(set.at[way])->turn, set.at[way])) {
		struct note_head *old = head_at(set.at[way]);

		h->before = abi_note_count(old->packets, old->turn);
		old->packets = 0;
		h->instead = set.at[way];
		if (old->cookie != cookie || old->flags & NOTE_OVERRUN)
			h->flags |= NOTE_OVERRUN;
	}
	h->packets = abi_note_packets(turn, 1);
	h->turn = turn;
	set.tag[way] = abi_note_tag(print);
	set.at[way] = abi_note_at(cpu, turn);
	return h;
}

static void expect_taken(uint64_t cookie)
{
	struct note n;

	CU_ASSERT_TRUE_FATAL(note_table_take(&table, PRINT, empty_ns, &n));
	CU_ASSERT_EQUAL(n.cookie, cookie);
	CU_ASSERT_EQUAL(n.flags, 0);
}

static void expect_astray(void)
{
	struct note n;

	CU_ASSERT_TRUE_FATAL(note_table_take(&table, PRINT, empty_ns, &n));
	CU_ASSERT_EQUAL(n.flags, NOTE_OVERRUN);
}

static void expect_none(void)
{
	struct note n;

	CU_ASSERT_FALSE(note_table_take(&table, PRINT, empty_ns, &n));
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
	struct note_head *h;
	uint64_t turn;

	reset();
	h = put(PRINT, 1);
	turn = h->turn;
	h->turn = 0;
	expect_none();
	h->turn = turn;
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
	struct note_head *h;

	reset();
	h = put(PRINT, 1);
	h->packets = abi_note_packets(h->turn - 1, 5);
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

static void expect_late(uint64_t cookie)
{
	struct note n;

	CU_ASSERT_TRUE_FATAL(note_table_take_late(&table, PRINT, &n));
	CU_ASSERT_EQUAL(n.cookie, cookie);
	CU_ASSERT_EQUAL(n.flags, 0);
}

/* Its sender stood still on the way, and others did not. Of those whose packets never came it is
 * the youngest. Each note is taken once all the same. */
static void a_note_whose_packet_is_late(void)
{
	struct note n;

	reset();
	put(PRINT, 1);
	put(PRINT, 2);
	now = empty_ns = 1000000000;
	expect_none();
	expect_late(2);
	expect_late(1);
	CU_ASSERT_FALSE(note_table_take_late(&table, PRINT, &n));
}

/* What two processors have written of two sockets: which packet came first, nobody knows. Both are
 * said to have sent each, until all have come. */
static void of_two_processors(void)
{
	struct note n;

	reset();
	put(PRINT, 1)->holder.tgid = 11;
	heads[abi_note_index(abi_note_at(0, 1), RING_BITS)].n_holders = 1;
	cpu = 1;
	put(PRINT, 2)->holder.tgid = 22;
	heads[abi_note_index(abi_note_at(1, 1), RING_BITS)].n_holders = 1;
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_TRUE_FATAL(note_table_take(&table, PRINT, empty_ns, &n));
		CU_ASSERT_EQUAL(n.flags, NOTE_OVERRUN);
		CU_ASSERT_EQUAL_FATAL(n.n_holders, 2);
		CU_ASSERT_EQUAL(n.holder[0].tgid + n.holder[1].tgid, 33);
	}
	expect_none();
	put(PRINT, 3);
	put(PRINT, 4);
	expect_taken(3);
	expect_taken(4);
}

/* Of one socket they are in order: who sends by it after another has waited for his packet. */
static void of_two_processors_and_one_socket(void)
{
	struct note n;

	reset();
	put(PRINT, 1)->flags = NOTE_ORPHAN; /* says something else */
	cpu = 1;
	put(PRINT, 1);
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_TRUE_FATAL(note_table_take(&table, PRINT, empty_ns, &n));
		CU_ASSERT_EQUAL(n.flags, i ? 0 : NOTE_ORPHAN);
	}
}

/* The next note of a processor is its packet's, unless the writers say that it may be another's. */
static void the_next_may_be_mixed(void)
{
	reset();
	put(ANOTHER, 7);
	CU_ASSERT_TRUE(note_table_take(&table, ANOTHER, 0, &(struct note){0}));
	put(PRINT, 1);
	cpu = 1;
	put(PRINT, 2);
	mixed.when_ns = now;
	expect_astray();
	expect_astray();
	/* And one that has none any more is not asked for by its address. */
	expect_astray();
	empty_ns = now + 1000000000;
	expect_none();
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

/* What it took the place of, before and after which put() is called. */
struct before {
	uint16_t tag;
	uint32_t at;
};

static struct before next_place(void)
{
	size_t way = set.next % ABI_NOTE_WAYS;

	return (struct before){set.tag[way], set.at[way]};
}

/* As packet_dropped() in probes/note_drop.bpf.c does with the one written last. */
static void take_back(struct note_head *h, struct before before)
{
	size_t way = --set.next % ABI_NOTE_WAYS;

	h->print = h->turn = h->packets = 0;
	set.tag[way] = before.tag;
	set.at[way] = before.at;
	turns[cpu] += RING - 1;
}

/* However many packets the full queue drops, what waits in it keeps its notes. */
static void notes_that_are_taken_back(void)
{
	reset();
	for (uint64_t cookie = 1; cookie < ABI_NOTE_WAYS; cookie++)
		put(PRINT, cookie);
	for (int i = 0; i < 3 * ABI_NOTE_WAYS; i++) {
		struct before before = next_place();

		take_back(put(i % 2 ? PRINT : ANOTHER, 100 + i), before);
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

/* The oldest of those that lie around must not be taken for who sent what is like it. */
static void one_that_is_spent_is_not_the_next(void)
{
	reset();
	put(ANOTHER, 1);
	put(PRINT, 2);
	expect_taken(2); /* by another queue, that was faster */
	put(LIKE_IT, 3);
	CU_ASSERT_TRUE(note_table_take(&table, ANOTHER, 0, &(struct note){0}));
	put(PRINT, 4); /* the next after ANOTHER has the same print, and is spent */
	expect_taken(4);
	expect_none();
}

static void processors_by_turns(void)
{
	reset();
	for (uint64_t i = 0; i < 3 * RING; i++) {
		cpu = i % 3 % CPUS;
		put(PRINT, i + 1);
		expect_taken(i + 1);
	}
	expect_none();
	CU_ASSERT_EQUAL(table.next[0].turn, turns[table.next[0].cpu] + 1);
	CU_ASSERT_NOT_EQUAL(table.next[0].cpu, table.next[1].cpu);
}

/* The next one is found where the last one was: the set is not asked. */
static void the_next_one_needs_no_set(void)
{
	struct note n;

	reset();
	put(ANOTHER, 1);
	CU_ASSERT_TRUE(note_table_take(&table, ANOTHER, 0, &n));
	put(PRINT, 2);
	memset(&set, 0, sizeof(set));
	expect_taken(2);
	put(PRINT, 3); /* not when others are alike: which is whose, only the set tells */
	find(PRINT)->flags |= NOTE_ALIKE;
	memset(set.tag, 0xff, sizeof(set.tag));
	expect_none();
}

/* It may be the note of a packet that never came, and one that is younger be meant. */
static void a_next_one_that_is_old_is_looked_up(void)
{
	reset();
	put(ANOTHER, 1);
	CU_ASSERT_TRUE(note_table_take(&table, ANOTHER, 0, &(struct note){0}));
	put(PRINT, 2);
	now = 1000000000;
	cpu = 1;
	put(LIKE_IT, 3);
	CU_ASSERT_TRUE(note_table_take(&table, LIKE_IT, 0, &(struct note){0}));
	memset(&set, 0, sizeof(set));
	expect_none();
}

/* Where the next one will be lies one that was written a round before, and never taken. */
static void a_next_one_of_the_round_before(void)
{
	struct note n;

	reset();
	put(PRINT, 1);
	for (uint64_t i = 2; i <= RING; i++) {
		put(0x10000 + i, i);
		set.next--; /* as if in another set */
	}
	CU_ASSERT_TRUE(note_table_take(&table, 0x10000 + RING, 0, &n));
	CU_ASSERT_EQUAL(table.next[0].turn, RING + 1);
	memset(&set, 0, sizeof(set));
	expect_none();
}

/* A ring has gone round: what lay there is another's. */
static void washed_away(void)
{
	reset();
	put(PRINT, 1);
	for (uint64_t i = 0; i < RING; i++) {
		put(ANOTHER, 2 + i);
		set.next--; /* as if in another set */
	}
	expect_none();
}

static void put_holders(uint32_t n, uint32_t state)
{
	struct note_head *h = put(PRINT, 1);
	struct note whole = {.n_holders = n, .state = state, .lost = 5};
	struct note_rest *rest;
	uint64_t turn = ++rest_turns[cpu];

	rest = &rests[abi_rest_index(cpu, turn, RING_BITS)];
	for (uint32_t i = 0; i < n; i++)
		whole.holder[i].tgid = 10 + i;
	h->holder = whole.holder[0];
	h->n_holders = n;
	h->state = state;
	h->rest = abi_note_has_rest(state, n) ? turn : 0;
	memcpy(rest->byte, (char *)&whole + ABI_NOTE_HEAD, ABI_NOTE_REST);
	rest->turn = turn;
}

static void with_many_holders(void)
{
	static const struct {
		uint32_t n, state, lost;
	} cases[] = {{0, NOTE_KERNEL, 0}, {1, NOTE_PROVEN, 0},	 {2, NOTE_PROVEN, 5},
		     {8, NOTE_PROVEN, 5}, {1, NOTE_UNPROVEN, 5}, {8, NOTE_MANY, 5}};
	struct note n;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		reset();
		put_holders(cases[i].n, cases[i].state);
		CU_ASSERT_TRUE_FATAL(note_table_take(&table, PRINT, 0, &n));
		CU_ASSERT_EQUAL(n.n_holders, cases[i].n);
		CU_ASSERT_EQUAL(n.lost, cases[i].lost);
		for (uint32_t h = 0; h < cases[i].n; h++)
			CU_ASSERT_EQUAL(n.holder[h].tgid, 10 + h);
	}
}

/* Its rest was written over: what is left does not say who holds the socket. */
static void a_note_without_its_rest(void)
{
	reset();
	put_holders(2, NOTE_PROVEN);
	rests[abi_rest_index(0, 1, RING_BITS)].turn += RING / ABI_NOTE_RESTS;
	expect_none();
}

static void as_many_notes_as_places(void)
{
	CU_ASSERT_EQUAL(abi_note_ring_bits(10, 1), 14);
	CU_ASSERT_EQUAL(abi_note_ring_bits(10, 32), 14);
	CU_ASSERT_EQUAL(abi_note_ring_bits(10, 33), 13);
	CU_ASSERT_EQUAL(abi_note_ring_bits(14, 2), 18);
	CU_ASSERT_EQUAL(abi_note_ring_bits(14, ABI_CPUS), ABI_NOTE_RING_MIN);
	CU_ASSERT(abi_note_index(abi_note_at(ABI_CPUS - 1, ~0ull), 14) == (ABI_CPUS << 14) - 1);
}

static const struct unit_test tests[] = {
	{"one that is spent is not the next", one_that_is_spent_is_not_the_next},
	{"processors by turns", processors_by_turns},
	{"the next one needs no set", the_next_one_needs_no_set},
	{"a next one that is old is looked up", a_next_one_that_is_old_is_looked_up},
	{"a next one of the round before", a_next_one_of_the_round_before},
	{"washed away", washed_away},
	{"with many holders", with_many_holders},
	{"a note without its rest", a_note_without_its_rest},
	{"as many notes as places", as_many_notes_as_places},
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
	{"a note whose packet is late", a_note_whose_packet_is_late},
	{"notes of two processors", of_two_processors},
	{"notes of two processors and one socket", of_two_processors_and_one_socket},
	{"the next note may be mixed", the_next_may_be_mixed},
	{"a note of one packet more", a_note_of_one_packet_more},
	{"notes that are taken back", notes_that_are_taken_back},
	{"as many sets as the queues need", as_many_sets_as_the_queues_need},
	{"keys that are in one set", keys_in_one_set},
};
UNIT_SUITE("fw/note_table", tests)
