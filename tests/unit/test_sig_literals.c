/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fw/sig_literals.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "expect.h"
#include "random.h"
#include "unit.h"

#define TEXTS_MAX 40
#define DATA_MAX  400

struct found {
	unsigned int times[TEXTS_MAX];
	size_t at[TEXTS_MAX]; /* bytes that had been scanned, with the piece that completed it */
	size_t now;
};

static void on_found(void *cookie, unsigned int id)
{
	struct found *f = cookie;

	f->times[id]++;
	f->at[id] = f->now;
}

/* In pieces of 1 to `most` bytes. */
static void scan(const struct sig_literals *l, const char *data, size_t n, size_t most,
		 struct rng *rng, struct found *f)
{
	struct sig_literals_way *w = sig_literals_way_new(l);

	*f = (struct found){.now = 0};
	for (size_t at = 0; w && at < n;) {
		size_t piece = most == 1 ? 1 : 1 + rng_below(rng, most);

		piece = piece < n - at ? piece : n - at;
		f->now = at + piece;
		sig_literals_scan(l, w, data + at, piece, on_found, f);
		at += piece;
	}
	free(w);
}

/* Where the text first ends; 0: nowhere. Byte by byte. */
static size_t first_end(const struct sig_literal *t, const char *data, size_t n)
{
	for (size_t at = 0; at + t->n <= n; at++) {
		size_t i = 0, end = at + t->n;

		while (i < t->n && (t->nocase ? tolower((unsigned char)data[at + i]) ==
							tolower((unsigned char)t->text[i])
					      : data[at + i] == t->text[i]))
			i++;
		if (i == t->n && end >= t->min_end && (!t->max_end || end <= t->max_end))
			return end;
	}
	return 0;
}

static void check(const struct sig_literal *texts, size_t n, const bool *taken, const char *data,
		  size_t length, size_t most, const struct found *f)
{
	for (size_t i = 0; i < n; i++) {
		size_t end = taken[i] ? first_end(&texts[i], data, length) : 0;

		expect(f->times[i] == (end > 0), "text %zu: found %u times, ends at %zu", i,
		       f->times[i], end);
		if (end && f->times[i])
			expect(f->at[i] >= end && f->at[i] < end + most,
			       "text %zu: told of at %zu, ends at %zu", i, f->at[i], end);
	}
}

/* Few letters, and texts that are cut out of the data, so that much is alike. */
static void as_one_by_one(void)
{
	static const char letters[] = "abAB\x80\xa0"
				      "@`";
	struct rng rng = rng_new();

	for (int round = 0; round < 1500; round++) {
		size_t n = 1 + rng_below(&rng, TEXTS_MAX),
		       most = 1 + rng_below(&rng, round % 2 ? 30 : DATA_MAX);
		size_t kinds = 2 + rng_below(&rng, sizeof(letters) - 2);
		size_t length = 1 + rng_below(&rng, DATA_MAX);
		struct sig_literal texts[TEXTS_MAX];
		struct sig_literals *l = NULL;
		char data[DATA_MAX], pool[DATA_MAX];
		bool taken[TEXTS_MAX];
		struct found f;
		int r;

		for (size_t i = 0; i < DATA_MAX; i++) {
			data[i] = letters[rng_below(&rng, kinds)];
			pool[i] = rng_below(&rng, 8) ? data[i] : letters[rng_below(&rng, kinds)];
		}
		for (size_t i = 0; i < n; i++) {
			size_t bytes = 6 + rng_below(&rng, 20);

			texts[i] = (struct sig_literal){
				.n = bytes, .nocase = rng_below(&rng, 2), .id = (unsigned int)i};
			texts[i].text = pool + rng_below(&rng, DATA_MAX - bytes);
			if (rng_below(&rng, 4) == 0)
				texts[i].min_end = rng_below(&rng, DATA_MAX);
			if (rng_below(&rng, 4) == 0)
				texts[i].max_end = bytes + rng_below(&rng, DATA_MAX);
		}
		r = sig_literals_new(texts, n, taken, &l);
		for (size_t i = 0; i < n; i++)
			CU_ASSERT(!taken[i] || texts[i].n >= SIG_LITERAL_LEAST);
		if (r == -ENOENT)
			continue;
		if (!expect_int("new", r, 0))
			return;
		scan(l, data, length, most, &rng, &f);
		check(texts, n, taken, data, length, most, &f);
		sig_literals_free(l);
	}
}

/* The longest text, cut anywhere, behind a way of any length. */
static void at_every_cut(void)
{
	static char text[SIG_LITERAL_MOST + 1], data[3 * SIG_LITERAL_MOST];
	struct rng rng = rng_new();
	struct sig_literal one[] = {{.text = text, .n = SIG_LITERAL_MOST, .id = 0},
				    {.text = text, .n = SIG_LITERAL_LEAST, .id = 1},
				    {.text = text, .n = SIG_LITERAL_MOST + 1, .id = 2},
				    {.text = text, .n = SIG_LITERAL_LEAST - 1, .id = 3}};
	struct sig_literals *l = NULL;
	bool taken[4];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)rng_next(&rng);
	if (!expect_int("new", sig_literals_new(one, 4, taken, &l), 0))
		return;
	CU_ASSERT(taken[0] && taken[1] && !taken[2] && !taken[3]);
	for (size_t before = 0; before < 12; before++)
		for (size_t cut = 0; cut <= before + SIG_LITERAL_MOST; cut++) {
			const size_t n = before + SIG_LITERAL_MOST;
			struct sig_literals_way *w = sig_literals_way_new(l);
			struct found f = {.now = 0};

			memset(data, 0, sizeof(data));
			memcpy(data + before, text, SIG_LITERAL_MOST);
			sig_literals_scan(l, w, data, cut, on_found, &f);
			CU_ASSERT(f.times[0] == (cut == n));
			sig_literals_scan(l, w, data + cut, n - cut, on_found, &f);
			expect(f.times[0] == 1 && f.times[1] == 1, "%zu before, cut at %zu", before,
			       cut);
			sig_literals_scan(l, w, data + before, SIG_LITERAL_MOST, on_found, &f);
			expect(f.times[0] == 1 && f.times[1] == 1,
			       "%zu before, cut at %zu: told of again", before, cut);
			free(w);
		}
	sig_literals_free(l);
}

/* The shortest text, anywhere in one long piece of other bytes. */
static void anywhere(void)
{
	static const struct sig_literal one = {.text = "\x80 text\xfe\xff", .n = 8};
	struct rng rng = rng_new();
	struct sig_literals *l = NULL;
	bool taken;

	if (!expect_int("new", sig_literals_new(&one, 1, &taken, &l), 0))
		return;
	for (size_t at = 0; at + one.n <= DATA_MAX; at++)
		for (int fill = 0; fill < 3; fill++) {
			struct sig_literals_way *w = sig_literals_way_new(l);
			struct found f = {.now = 0};
			char data[DATA_MAX];

			/* Bytes that it has, none of them, and any. */
			for (size_t i = 0; i < DATA_MAX; i++)
				data[i] = fill == 0   ? one.text[rng_below(&rng, 4)]
					  : fill == 1 ? '0'
						      : (char)rng_next(&rng);
			memcpy(data + at, one.text, one.n);
			sig_literals_scan(l, w, data, DATA_MAX, on_found, &f);
			expect(f.times[0] == 1, "at %zu, filled with %d: %u", at, fill, f.times[0]);
			free(w);
		}
	sig_literals_free(l);
}

/* What would make a scan slow is left to others. */
static void alike(void)
{
	static const char text[] = "the same beginning";
	struct sig_literal texts[TEXTS_MAX];
	struct sig_literals *l = NULL;
	bool taken[TEXTS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < TEXTS_MAX; i++)
		texts[i] = (struct sig_literal){
			.text = text, .n = SIG_LITERAL_LEAST, .id = (unsigned int)i};
	if (!expect_int("new", sig_literals_new(texts, TEXTS_MAX, taken, &l), 0))
		return;
	for (size_t i = 0; i < TEXTS_MAX; i++)
		n += taken[i];
	CU_ASSERT_EQUAL(n, SIG_LITERALS_ALIKE);
	CU_ASSERT(sig_literals_memory(l) > 0);
	sig_literals_free(l);
	CU_ASSERT_EQUAL(sig_literals_new(texts, 0, taken, &l), -ENOENT);
}

static const struct unit_test tests[] = {
	{"as if each were looked for alone", as_one_by_one},
	{"a text cut anywhere", at_every_cut},
	{"a text anywhere in a long piece", anywhere},
	{"texts that are alike are not all taken", alike},
};
UNIT_SUITE("fw/sig_literals", tests)
