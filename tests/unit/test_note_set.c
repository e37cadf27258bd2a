/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "fw/note_set.h"
#include "unit.h"

#define PRINT 0x1234u

static struct note_set set;
static struct note_taken taken[ABI_NOTE_WAYS];
static uint64_t now;

static void reset(void)
{
	memset(&set, 0, sizeof(set));
	memset(taken, 0, sizeof(taken));
	now = 0;
}

/* As the note program does: put_note() in probes/note.bpf.c. */
static void put(uint64_t print, uint64_t cookie)
{
	size_t way = set.next++ % ABI_NOTE_WAYS;
	struct note *n = &set.way[way];
	bool same = set.print[way] == print;
	bool another = same && n->cookie && (n->cookie != cookie || n->flags & NOTE_OVERRUN);

	set.print[way] = print;
	n->cookie = cookie;
	n->when_ns = ++now;
	n->state = NOTE_PROVEN;
	n->flags = another ? NOTE_OVERRUN : 0;
	n->seq += 2;
}

static void expect_taken(uint64_t cookie)
{
	struct note n;

	CU_ASSERT_TRUE_FATAL(note_set_take(&set, taken, PRINT, &n));
	CU_ASSERT_EQUAL(n.cookie, cookie);
	CU_ASSERT_EQUAL(n.flags, 0);
}

static void expect_astray(void)
{
	struct note n;

	CU_ASSERT_TRUE_FATAL(note_set_take(&set, taken, PRINT, &n));
	CU_ASSERT_EQUAL(n.flags, NOTE_OVERRUN);
}

static void expect_none(void)
{
	struct note n;

	CU_ASSERT_FALSE(note_set_take(&set, taken, PRINT, &n));
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
	put(PRINT + ABI_NOTE_SETS, 1);
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
		put(PRINT + ABI_NOTE_SETS, 30 + i);
	expect_none();
	put(PRINT, 40);
	expect_taken(40);
}

/* The same socket's: which of its packets it was makes no difference. */
static void of_one_socket_none_is_lost(void)
{
	reset();
	for (int i = 0; i < 3 * ABI_NOTE_WAYS; i++)
		put(PRINT, 1);
	for (int i = 0; i < ABI_NOTE_WAYS; i++)
		expect_taken(1);
	expect_none();
}

static const struct unit_test tests[] = {
	{"each is taken once, the oldest first", each_is_taken_once_the_oldest_first},
	{"of another print it is no packet's", of_another_print_it_is_no_packet_s},
	{"one that is being written is none", one_that_is_being_written_is_none},
	{"many that are alike, one by one", alike_one_by_one},
	{"one too many at once", one_too_many_at_once},
	{"what is lost is lost until another print is there", lost_until_another_print_is_there},
	{"of one socket none is lost", of_one_socket_none_is_lost},
};
UNIT_SUITE("fw/note_set", tests)
