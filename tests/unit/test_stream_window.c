/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fw/stream_window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "random.h"
#include "unit.h"

#define MAX 2048

static const uint8_t *text(const char *t)
{
	return (const uint8_t *)t;
}

/* What [from, to) holds, in the pieces that it lies in. */
static bool holds(const struct stream_window *w, uint64_t from, uint64_t to, const uint8_t *want)
{
	while (from < to) {
		const uint8_t *piece;
		size_t n = stream_window_piece(w, from, to - from, &piece);

		if (!n || n > to - from || memcmp(piece, want, n) != 0)
			return false;
		want += n;
		from += n;
	}
	return true;
}

static void an_empty_one_costs_nothing(void)
{
	struct stream_window w = {0};

	CU_ASSERT(stream_window_memory(&w) == 0 && stream_window_ready(&w) == 0);
	CU_ASSERT(stream_window_agrees(&w, 0, text("abc"), 3));
	CU_ASSERT(stream_window_agrees(&w, 70000, text("abc"), 3));
	CU_ASSERT(stream_window_after_gap(&w, 500) == 500);
	stream_window_advance(&w, 900);
	CU_ASSERT(stream_window_ready(&w) == 900 && stream_window_memory(&w) == 0);
	stream_window_release(&w);
	CU_ASSERT(w.base == 900 && w.next == 900 && w.ready == 900 && w.top == 900);
}

static void what_waits_becomes_ready(void)
{
	struct stream_window w = {0};

	CU_ASSERT(!stream_window_put(&w, 2, text("cd"), 2, MAX));
	CU_ASSERT(!stream_window_put(&w, 6, text("gh"), 2, MAX));
	CU_ASSERT(stream_window_ready(&w) == 0);
	CU_ASSERT(stream_window_after_gap(&w, 100) == 2);
	CU_ASSERT(stream_window_after_gap(&w, 1) == 1);
	CU_ASSERT(!stream_window_put(&w, 0, text("ab"), 2, MAX));
	CU_ASSERT(stream_window_ready(&w) == 4);
	stream_window_advance(&w, 4);
	CU_ASSERT(stream_window_after_gap(&w, 100) == 6);
	stream_window_advance(&w, 6); /* over a gap */
	CU_ASSERT(stream_window_ready(&w) == 8);
	CU_ASSERT(stream_window_agrees(&w, 6, text("gh"), 2));
	CU_ASSERT(!stream_window_agrees(&w, 6, text("gX"), 2));
	stream_window_advance(&w, 8);
	CU_ASSERT(stream_window_after_gap(&w, 100) == 100);
	stream_window_release(&w);
}

/* Gaps and what is past the last byte agree with all; what is forgotten is not asked for. */
static void only_kept_bytes_are_compared(void)
{
	struct stream_window w = {0};

	stream_window_put(&w, 0, text("abc"), 3, MAX);
	stream_window_advance(&w, 3);
	stream_window_put(&w, 5, text("fg"), 2, MAX);
	CU_ASSERT(stream_window_agrees(&w, 0, text("abcXXfgXX"), 9));
	CU_ASSERT(!stream_window_agrees(&w, 0, text("Xbc"), 3));
	CU_ASSERT(!stream_window_agrees(&w, 2, text("X"), 1));
	CU_ASSERT(!stream_window_agrees(&w, 3, text("deXg"), 4));
	CU_ASSERT(!stream_window_agrees(&w, 6, text("Xhi"), 3));
	CU_ASSERT(stream_window_agrees(&w, 7, text("anything"), 8));
	stream_window_forget(&w, 2);
	CU_ASSERT(w.base == 2 && !stream_window_agrees(&w, 2, text("X"), 1));
	stream_window_forget(&w, 1);
	CU_ASSERT(w.base == 2);
	stream_window_forget(&w, 6); /* never what has not been handed on */
	CU_ASSERT(w.base == 3);
	stream_window_release(&w);
}

static void room_is_by_place(void)
{
	static uint8_t much[MAX];
	struct stream_window w = {0};

	CU_ASSERT(stream_window_put(&w, 1, much, MAX, MAX) == -ENOSPC);
	CU_ASSERT(stream_window_put(&w, MAX, much, 1, MAX) == -ENOSPC);
	CU_ASSERT(stream_window_memory(&w) == 0);
	CU_ASSERT(!stream_window_put(&w, 1, much, MAX - 1, MAX));
	CU_ASSERT(stream_window_ready(&w) == 0 && w.base == 0);
	CU_ASSERT(!stream_window_put(&w, 0, much, 1, MAX));
	CU_ASSERT(stream_window_ready(&w) == MAX);
	stream_window_advance(&w, MAX);
	/* None of these has been acknowledged, yet the next one has its place. */
	CU_ASSERT(stream_window_put(&w, MAX + 1, much, 1, MAX) == -ENOSPC);
	CU_ASSERT(!stream_window_put(&w, MAX, much, 10, MAX));
	CU_ASSERT(w.base == 10 && stream_window_ready(&w) == MAX + 10);
	stream_window_release(&w);
}

/* Bits are paid for where something waits, and growth is foretold. */
static void memory_is_told_beforehand(void)
{
	static uint8_t much[3 * MAX];
	static const struct {
		uint64_t offset;
		size_t n, memory;
	} steps[] = {
		{0, 100, MAX},
		{50, MAX, 2 * MAX},
		{3 * MAX, 1, 4 * MAX + 4 * MAX / 8},
		{3 * MAX - 10, 5, 4 * MAX + 4 * MAX / 8},
		{50 + MAX, 3 * MAX, 8 * MAX + 8 * MAX / 8},
	};
	struct stream_window w = {0};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		size_t before = stream_window_memory(&w),
		       growth = stream_window_growth(&w, steps[i].offset, steps[i].n, 8 * MAX);

		CU_ASSERT(!stream_window_put(&w, steps[i].offset, much, steps[i].n, 8 * MAX));
		expect_int("growth", (long long)growth,
			   (long long)(stream_window_memory(&w) - before));
		expect_int("memory", (long long)stream_window_memory(&w),
			   (long long)steps[i].memory);
	}
	stream_window_release(&w);
	CU_ASSERT(stream_window_memory(&w) == 0);
}

/* --- Against one that keeps a byte for each offset ------------------------------------------ */

#define MODEL_MAX (16 * MAX)

struct model {
	struct stream_window w;
	uint8_t bytes[MODEL_MAX];
	bool here[MODEL_MAX];
};

static uint64_t model_ready(const struct model *m)
{
	uint64_t at = m->w.next;

	while (at < MODEL_MAX && m->here[at])
		at++;
	return at;
}

static uint64_t model_after_gap(const struct model *m, uint64_t to)
{
	uint64_t at = m->w.next;

	while (at < to && !m->here[at])
		at++;
	return at;
}

/* One byte that is other than what is kept is seen; one that meets nothing is not. */
static void compare_with_one_changed(struct model *m, struct rng *rng, uint64_t from, size_t n)
{
	uint64_t at = from + rng_below(rng, n);
	uint8_t *given = malloc(n);

	CU_ASSERT_PTR_NOT_NULL_FATAL(given);
	memcpy(given, m->bytes + from, n);
	CU_ASSERT(stream_window_agrees(&m->w, from, given, n));
	given[at - from] ^= 0x55;
	CU_ASSERT(stream_window_agrees(&m->w, from, given, n) == !m->here[at]);
	free(given);
}

/* Puts n bytes at from if there must be room for them, and sees that there is none if not. */
static void put_some(struct model *m, uint64_t from, size_t n, uint64_t *top)
{
	uint64_t last = from + n > *top ? from + n : *top;
	bool fits = from <= m->w.next || last - m->w.base <= 2 * MAX;
	int r = stream_window_put(&m->w, from, m->bytes + from, n, 2 * MAX);

	if (!expect_int("put", r, fits ? 0 : -ENOSPC) || r)
		return;
	memset(m->here + from, true, n);
	*top = last;
}

/* As where the receiver has what was never seen: it is not remembered. */
static void jump(struct model *m, uint64_t top)
{
	uint64_t to = model_after_gap(m, top);

	stream_window_advance(&m->w, to);
	stream_window_forget(&m->w, to);
}

static void one_run(struct model *m, struct rng *rng)
{
	uint64_t top = 0;
	size_t most = 1 + rng_below(rng, 300);

	memset(m->here, 0, sizeof(m->here));
	for (size_t i = 0; i < MODEL_MAX; i++)
		m->bytes[i] = (uint8_t)rng_next(rng);
	while (m->w.next < MODEL_MAX - 3 * MAX) {
		uint64_t from = m->w.base + rng_below(rng, 2 * MAX), to;
		size_t n = 1 + rng_below(rng, most);

		compare_with_one_changed(m, rng, from, n);
		put_some(m, rng_below(rng, 4) ? from : m->w.next, n, &top);
		to = m->w.next + rng_below(rng, 200);
		CU_ASSERT(stream_window_after_gap(&m->w, to) == model_after_gap(m, to));
		if (!expect_int("ready", (long long)stream_window_ready(&m->w),
				(long long)model_ready(m)))
			return;
		CU_ASSERT(holds(&m->w, m->w.next, model_ready(m), m->bytes + m->w.next));
		if (rng_below(rng, 2))
			stream_window_advance(&m->w, model_ready(m));
		else if (rng_below(rng, 20) == 0)
			jump(m, top);
		if (rng_below(rng, 3) == 0)
			stream_window_forget(&m->w, m->w.base + rng_below(rng, 500));
	}
}

static void any_order_is_as_in_the_model(void)
{
	struct model *m = calloc(1, sizeof(*m));
	struct rng rng = rng_new();

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	for (int run = 0; run < 20; run++) {
		m->w = (struct stream_window){0};
		one_run(m, &rng);
		stream_window_release(&m->w);
	}
	free(m);
}

static const struct unit_test tests[] = {
	{"an empty one costs nothing", an_empty_one_costs_nothing},
	{"what waits becomes ready", what_waits_becomes_ready},
	{"only bytes that are kept are compared", only_kept_bytes_are_compared},
	{"room is by place", room_is_by_place},
	{"memory is told beforehand", memory_is_told_beforehand},
	{"any order is as in a model", any_order_is_as_in_the_model},
};
UNIT_SUITE("fw/stream_window", tests)
