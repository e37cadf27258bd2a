/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "fw/verdicts.h"
#include "random.h"
#include "unit.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define PLAN_MAX 64

/*
 * A script of what happens, in order: "+" accept, "-" drop, "?" hold the next id (they are numbered
 * from 10 on, or from `from`); "a" or "d" and a digit: accept or drop the nth id of all that was
 * held. The plan is written as "A12" and "D12" for a batch up to 12, "a12" and "d12" for 12 alone.
 */
struct row {
	const char *name, *script;
	unsigned int batch_count;
	const char *plan;
	uint32_t from;
};

static const struct row rows[] = {
	{"nothing", "", 8, "", 0},
	{"one packet needs no batch", "+", 8, "a10", 0},
	{"equal verdicts are one batch", "+++", 8, "A12", 0},
	{"drops too", "---", 8, "D12", 0},
	{"in ascending order", "+-+", 8, "a10 d11 a12", 0},
	{"runs", "++-++", 8, "A11 d12 A14", 0},
	{"no more than batch_count at once", "+++++", 2, "A11 A13 a14", 0},
	{"batch_count 1: no batch", "+++", 1, "a10 a11 a12", 0},
	{"none past a held packet", "++?++", 8, "A11 a13 a14", 0},
	{"nor any when the first is held", "?++", 8, "a11 a12", 0},
	{"a held packet alone", "?", 8, "", 0},
	{"released packets take their place", "?+?+a0a1", 8, "A13", 0},
	{"one of two is still held", "?+?+a0", 8, "A11 a13", 0},
	{"the later one is still ahead of it", "?+?+a1", 8, "a11 a12 a13", 0},
	{"released with another verdict", "+?+d0", 8, "a10 d11 a12", 0},
	{"ids wrap", "++++", 8, "A1", 0xfffffffe},
	{"none past a held packet before the wrap", "+?++", 8, "a4294967294 a0 a1", 0xfffffffe},
	{"none past a held packet behind the wrap", "++?+", 8, "A4294967295 a1", 0xfffffffe},
};

/* The mark that goes with VERDICT_MARK in these tests, unless another is said. */
static struct ruling as(enum verdict verdict)
{
	return (struct ruling){.verdict = verdict, .mark = verdict == VERDICT_MARK ? 7 : 0};
}

static void play(struct verdicts *v, const struct row *row)
{
	uint32_t id = row->from ? row->from : 10, held[16];
	size_t n_held = 0;

	for (const char *s = row->script; *s; s++) {
		if (*s == '+' || *s == '-')
			verdicts_judge(v, id++, as(*s == '+' ? VERDICT_ACCEPT : VERDICT_DROP));
		else if (*s == '?')
			verdicts_hold(v, held[n_held++] = id++);
		else {
			enum verdict verdict = *s == 'a' ? VERDICT_ACCEPT : VERDICT_DROP;

			CU_ASSERT_TRUE(verdicts_release(v, held[*++s - '0'], as(verdict)));
		}
	}
}

static void format_plan(const struct verdict_message *m, size_t n, char out[256])
{
	static const char kind[2][VERDICT_COUNT] = {{'a', 'd', 'r', 'm', 'k'},
						    {'A', 'D', 'R', 'M', 'K'}};
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < n; i++)
		used += (size_t)snprintf(out + used, 256 - used, "%s%c%u", i ? " " : "",
					 kind[m[i].batch][m[i].ruling.verdict], m[i].id);
}

static void plans_are_the_fewest_messages(void)
{
	struct verdict_message plan[PLAN_MAX];
	char text[256];

	for (size_t i = 0; i < N(rows); i++) {
		struct verdicts *v = verdicts_new(16);
		size_t n, due;

		CU_ASSERT_PTR_NOT_NULL_FATAL(v);
		play(v, &rows[i]);
		due = verdicts_due(v);
		n = verdicts_plan(v, rows[i].batch_count, plan, PLAN_MAX);
		format_plan(plan, n, text);
		expect_text(rows[i].name, text, rows[i].plan);
		for (size_t k = 0; k < n; k++)
			due -= plan[k].n;
		expect_int(rows[i].name, (long long)due, 0);
		verdicts_free(v);
	}
}

static void only_what_was_sent_is_forgotten(void)
{
	struct verdicts *v = verdicts_new(8);
	struct verdict_message plan[PLAN_MAX];
	char text[256];
	size_t n;

	CU_ASSERT_PTR_NOT_NULL_FATAL(v);
	for (uint32_t id = 1; id <= 6; id++)
		verdicts_judge(v, id, as(id % 3 ? VERDICT_ACCEPT : VERDICT_DROP));
	n = verdicts_plan(v, 8, plan, 2);
	CU_ASSERT_EQUAL(n, 2);
	CU_ASSERT_EQUAL(verdicts_plan(v, 8, plan, 2), 2);
	CU_ASSERT_EQUAL(verdicts_due(v), 6);
	verdicts_sent(v, plan, n);
	CU_ASSERT_EQUAL(verdicts_due(v), 3);
	n = verdicts_plan(v, 8, plan, PLAN_MAX);
	format_plan(plan, n, text);
	expect_text("the rest", text, "A5 d6");
	verdicts_sent(v, plan, n);
	CU_ASSERT_EQUAL(verdicts_due(v), 0);
	CU_ASSERT_EQUAL(verdicts_plan(v, 8, plan, PLAN_MAX), 0);
	verdicts_free(v);
}

/* What is told in one message is one verdict and one mark. */
static void batches_end_where_verdict_or_mark_changes(void)
{
	static const struct ruling rulings[] = {
		{VERDICT_DROP, 0}, {VERDICT_REJECT, 0}, {VERDICT_REJECT, 0},
		{VERDICT_MARK, 1}, {VERDICT_MARK, 1},	{VERDICT_MARK, 2},
		{VERDICT_MARK, 0}, {VERDICT_ACCEPT, 0}, {VERDICT_ACCEPT, 0},
	};
	static const uint32_t marks[] = {0, 0, 1, 2, 0, 0};
	struct verdicts *v = verdicts_new(16);
	struct verdict_message plan[PLAN_MAX];
	char text[256];
	size_t n;

	CU_ASSERT_PTR_NOT_NULL_FATAL(v);
	for (uint32_t i = 0; i < N(rulings); i++)
		verdicts_judge(v, 10 + i, rulings[i]);
	n = verdicts_plan(v, 8, plan, PLAN_MAX);
	format_plan(plan, n, text);
	expect_text("plan", text, "d10 R12 M14 m15 m16 A18");
	for (size_t i = 0; i < n && i < N(marks); i++)
		expect_int("mark", plan[i].ruling.mark, marks[i]);
	verdicts_free(v);
}

static void only_a_held_packet_is_released(void)
{
	struct verdicts *v = verdicts_new(8);
	uint32_t id = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(v);
	CU_ASSERT_FALSE(verdicts_first_held(v, &id));
	verdicts_judge(v, 1, as(VERDICT_ACCEPT));
	verdicts_hold(v, 2);
	verdicts_hold(v, 4);
	CU_ASSERT_FALSE(verdicts_release(v, 1, as(VERDICT_DROP)));
	CU_ASSERT_FALSE(verdicts_release(v, 3, as(VERDICT_DROP)));
	CU_ASSERT_FALSE(verdicts_release(v, 5, as(VERDICT_DROP)));
	CU_ASSERT_TRUE(verdicts_first_held(v, &id));
	CU_ASSERT_EQUAL(id, 2);
	CU_ASSERT_TRUE(verdicts_release(v, 2, as(VERDICT_DROP)));
	CU_ASSERT_FALSE(verdicts_release(v, 2, as(VERDICT_ACCEPT)));
	CU_ASSERT_TRUE(verdicts_first_held(v, &id));
	CU_ASSERT_EQUAL(id, 4);
	verdicts_free(v);
}

static void room_is_what_neither_has_taken(void)
{
	struct verdicts *v = verdicts_new(3);
	struct verdict_message plan[PLAN_MAX];

	CU_ASSERT_PTR_NOT_NULL_FATAL(v);
	CU_ASSERT_EQUAL(verdicts_room(v), 3);
	verdicts_judge(v, 1, as(VERDICT_ACCEPT));
	verdicts_hold(v, 2);
	verdicts_hold(v, 3);
	CU_ASSERT_EQUAL(verdicts_room(v), 0);
	verdicts_release(v, 3, as(VERDICT_DROP));
	CU_ASSERT_EQUAL(verdicts_room(v), 0);
	verdicts_sent(v, plan, verdicts_plan(v, 8, plan, PLAN_MAX));
	CU_ASSERT_EQUAL(verdicts_room(v), 2);
	verdicts_free(v);
}

/*
 * The kernel's side: packets in the order of their ids, each with what was decided of it here. It
 * does with a message what nfqnl_recv_verdict() and nfqnl_recv_verdict_batch() do.
 */
enum fate { UNJUDGED, HELD, JUDGED_ACCEPT, JUDGED_DROP, GONE };

struct kernel {
	uint32_t first; /* id of fate[0] */
	size_t n, judged, gone;
	enum fate fate[4096];
};

static void kernel_settle(struct kernel *k, size_t i, enum verdict verdict)
{
	enum fate want = verdict == VERDICT_ACCEPT ? JUDGED_ACCEPT : JUDGED_DROP;

	expect(k->fate[i] == want, "packet %zu: verdict %d for fate %d", i, verdict, k->fate[i]);
	k->fate[i] = GONE;
	k->gone++;
}

static void kernel_take(struct kernel *k, const struct verdict_message *m)
{
	size_t last = m->id - k->first, before = k->gone;

	CU_ASSERT_FATAL(last < k->n);
	for (size_t i = m->batch ? 0 : last; i <= last; i++)
		if (k->fate[i] != GONE)
			kernel_settle(k, i, m->ruling.verdict);
	expect(k->gone - before == m->n, "%zu settled, %u told", k->gone - before, m->n);
}

static void kernel_judge(struct kernel *k, size_t i, enum verdict verdict)
{
	k->fate[i] = verdict == VERDICT_ACCEPT ? JUDGED_ACCEPT : JUDGED_DROP;
	k->judged++;
}

static void release_any(struct kernel *k, struct verdicts *v, struct rng *rng)
{
	size_t i = rng_below(rng, k->n ? k->n : 1), tries = 0;
	enum verdict verdict = rng_below(rng, 4) ? VERDICT_ACCEPT : VERDICT_DROP;

	while (tries++ < k->n && k->fate[i] != HELD)
		i = (i + 1) % k->n;
	if (!k->n || k->fate[i] != HELD)
		return;
	kernel_judge(k, i, verdict);
	CU_ASSERT_TRUE(verdicts_release(v, k->first + (uint32_t)i, as(verdict)));
}

static void arrive(struct kernel *k, struct verdicts *v, struct rng *rng)
{
	uint32_t id = k->first + (uint32_t)k->n;
	enum verdict verdict = rng_below(rng, 6) ? VERDICT_ACCEPT : VERDICT_DROP;

	if (k->n == N(k->fate) || !verdicts_room(v))
		return;
	if (rng_below(rng, 8) == 0) {
		k->fate[k->n++] = HELD;
		verdicts_hold(v, id);
		return;
	}
	kernel_judge(k, k->n++, verdict);
	verdicts_judge(v, id, as(verdict));
}

static void flush(struct kernel *k, struct verdicts *v, struct rng *rng)
{
	struct verdict_message plan[PLAN_MAX];
	size_t n = verdicts_plan(v, 1 + (unsigned int)rng_below(rng, 20), plan,
				 1 + rng_below(rng, PLAN_MAX));

	/* While it is being sent, another thread judges what was held. */
	for (uint64_t i = rng_below(rng, 4); i; i--)
		release_any(k, v, rng);
	if (rng_below(rng, 8) == 0)
		return; /* the send failed */
	for (size_t i = 0; i < n; i++)
		kernel_take(k, &plan[i]);
	verdicts_sent(v, plan, n);
}

static void every_packet_gets_its_own_verdict(void)
{
	struct rng rng = rng_new();
	struct kernel *k = malloc(sizeof(*k));

	CU_ASSERT_PTR_NOT_NULL_FATAL(k);
	for (int round = 0; round < 20; round++) {
		struct verdicts *v = verdicts_new(1 + rng_below(&rng, 200));
		uint32_t held;

		CU_ASSERT_PTR_NOT_NULL_FATAL(v);
		memset(k, 0, sizeof(*k));
		k->first = round % 2 ? 1 : UINT32_MAX - (uint32_t)rng_below(&rng, N(k->fate));
		while (k->n < N(k->fate)) {
			for (uint64_t i = rng_below(&rng, 64); i; i--)
				arrive(k, v, &rng);
			for (uint64_t i = rng_below(&rng, 12); i; i--)
				release_any(k, v, &rng);
			flush(k, v, &rng);
		}
		while (verdicts_first_held(v, &held))
			release_any(k, v, &rng);
		while (verdicts_due(v))
			flush(k, v, &rng);
		CU_ASSERT_EQUAL(k->gone, k->n);
		CU_ASSERT_EQUAL(k->judged, k->n);
		verdicts_free(v);
	}
	free(k);
}

static const struct unit_test tests[] = {
	{"plans are the fewest messages", plans_are_the_fewest_messages},
	{"only what was sent is forgotten", only_what_was_sent_is_forgotten},
	{"batches end where verdict or mark changes", batches_end_where_verdict_or_mark_changes},
	{"only a held packet is released", only_a_held_packet_is_released},
	{"room is what neither has taken", room_is_what_neither_has_taken},
	{"every packet gets its own verdict", every_packet_gets_its_own_verdict},
};
UNIT_SUITE("fw/verdicts", tests)
