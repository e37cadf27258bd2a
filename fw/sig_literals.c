// SPDX-License-Identifier: GPL-2.0-or-later
#include "sig_literals.h"

#include <errno.h>
#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

#define GRAM	     4
#define STRIDE	     (SIG_LITERAL_LEAST - GRAM + 1)
#define HASH_BITS    21
#define BLOCK	     64		/* bytes */
#define FILTER_LEAST (1u << 12) /* bits: few texts stay in the first cache */
#define SPARSE	     64		/* bits of the filter for each gram, as far as HASH_BITS allow */
#define HEADS	     (1u << 16)
#define KEEP_MOST    (SIG_LITERAL_MOST - 1)

struct text {
	const uint8_t *bytes; /* without case: in small letters */
	uint32_t n;
	bool nocase;
	uint64_t min_end, max_end;
	unsigned int id;
};

/* A gram of a text's window, and where in the text it begins. */
struct gram {
	uint32_t value, text, at;
};

struct sig_literals {
	size_t n, n_grams, keep; /* keep: bytes of a way that a text may have begun in */
	size_t n_bytes;
	struct text *texts;
	uint8_t *bytes;
	struct gram *grams; /* by their heads */
	uint32_t *heads;    /* HEADS and one: where in `grams` each begins */
	uint64_t *filter;
	uint32_t filter_mask;
	/* Bytes that grams have: of those below 128 and of the others, by their low four bits, a
	 * bit for each value of the next three. */
	uint8_t members[2][16];
};

struct sig_literals_way {
	uint64_t at;	  /* bytes that it has had */
	size_t n_tail;	  /* the last of them */
	uint64_t words[]; /* bits of texts that were found; then the tail */
};

/* --- Grams ---------------------------------------------------------------------------------- */

/* Upper and lower case become one, and some other bytes too: what is found is compared. */
static uint32_t gram_at(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v | 0x20202020u;
}

static uint32_t hash(uint32_t gram)
{
	return (uint32_t)(gram * UINT64_C(0x9e3779b97f4a7c15) >> (64 - HASH_BITS));
}

static uint32_t head_of(uint32_t h)
{
	return h >> (HASH_BITS - 16) & (HEADS - 1);
}

static uint8_t small(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

/* --- Making --------------------------------------------------------------------------------- */

/* Where the window of the text lies best: where the most common of its grams is the rarest. False:
 * all are too common. */
static bool choose(const uint8_t *bytes, size_t n, const uint8_t *common, size_t *out)
{
	unsigned int best = SIG_LITERALS_ALIKE;

	for (size_t at = 0; best && at + SIG_LITERAL_LEAST <= n; at++) {
		unsigned int most = 0;

		for (size_t i = at; i < at + STRIDE; i++)
			if (common[hash(gram_at(bytes + i))] > most)
				most = common[hash(gram_at(bytes + i))];
		if (most >= best)
			continue;
		best = most;
		*out = at;
	}
	return best < SIG_LITERALS_ALIKE;
}

static void add(struct sig_literals *l, const struct sig_literal *from, size_t window,
		uint8_t *common)
{
	struct text *t = &l->texts[l->n];
	uint8_t *bytes = l->bytes + l->n_bytes;

	*t = (struct text){bytes,	  (uint32_t)from->n, from->nocase,
			   from->min_end, from->max_end,     from->id};
	for (size_t i = 0; i < from->n; i++)
		bytes[i] = from->nocase ? small((uint8_t)from->text[i]) : (uint8_t)from->text[i];
	for (size_t i = window; i < window + STRIDE; i++) {
		const uint32_t gram = gram_at(bytes + i);

		l->grams[l->n_grams++] = (struct gram){gram, (uint32_t)l->n, (uint32_t)i};
		common[hash(gram)] += common[hash(gram)] < UINT8_MAX;
	}
	l->n_bytes += from->n;
	l->n++;
	if (from->n - 1 > l->keep)
		l->keep = from->n - 1;
}

/* Which texts, and the window of each. */
static int gather(struct sig_literals *l, const struct sig_literal *texts, size_t n, bool *taken)
{
	_cleanup_free_ uint8_t *common = calloc(1u << HASH_BITS, 1);

	if (!common)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		size_t window;

		taken[i] = texts[i].n >= SIG_LITERAL_LEAST && texts[i].n <= SIG_LITERAL_MOST &&
			   choose((const uint8_t *)texts[i].text, texts[i].n, common, &window);
		if (taken[i])
			add(l, &texts[i], window, common);
	}
	return l->n ? 0 : -ENOENT;
}

/* In the order of their heads. */
static int sort_grams(struct sig_literals *l)
{
	struct gram *sorted = calloc(l->n_grams, sizeof(*sorted));

	l->heads = calloc(HEADS + 1, sizeof(*l->heads));
	if (!sorted || !l->heads) {
		free(sorted);
		return -ENOMEM;
	}
	for (size_t i = 0; i < l->n_grams; i++)
		l->heads[head_of(hash(l->grams[i].value))]++;
	for (size_t i = 1; i <= HEADS; i++)
		l->heads[i] += l->heads[i - 1];
	for (size_t i = l->n_grams; i-- > 0;)
		sorted[--l->heads[head_of(hash(l->grams[i].value))]] = l->grams[i];
	free(l->grams);
	l->grams = sorted;
	return 0;
}

static int make_filter(struct sig_literals *l)
{
	uint32_t bits = FILTER_LEAST;

	while (bits < l->n_grams * SPARSE && bits < 1u << HASH_BITS)
		bits *= 2;
	l->filter = calloc(bits / 64, sizeof(*l->filter));
	if (!l->filter)
		return -ENOMEM;
	l->filter_mask = bits - 1;
	for (size_t i = 0; i < l->n_grams; i++) {
		uint32_t h = hash(l->grams[i].value) & l->filter_mask;

		l->filter[h / 64] |= UINT64_C(1) << h % 64;
	}
	return 0;
}

static void note_members(struct sig_literals *l)
{
	for (size_t i = 0; i < l->n_grams; i++)
		for (int k = 0; k < GRAM; k++) {
			const uint8_t byte = (uint8_t)(l->grams[i].value >> 8 * k);

			l->members[byte >> 7][byte & 15] |= (uint8_t)(1 << (byte >> 4 & 7));
			l->members[byte >> 7][byte & 15] |= (uint8_t)(1 << (byte >> 4 & 5));
		}
}

static void cleanup_literals(struct sig_literals **l)
{
	sig_literals_free(*l);
}

int sig_literals_new(const struct sig_literal *texts, size_t n, bool *taken,
		     struct sig_literals **out)
{
	_cleanup_(cleanup_literals) struct sig_literals *l = calloc(1, sizeof(*l));
	size_t bytes = 1;
	int r;

	if (!l)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		bytes += texts[i].n;
	l->texts = calloc(n + 1, sizeof(*l->texts));
	l->bytes = malloc(bytes);
	l->grams = calloc(n * STRIDE + 1, sizeof(*l->grams));
	if (!l->texts || !l->bytes || !l->grams)
		return -ENOMEM;
	r = gather(l, texts, n, taken);
	r = r ? r : sort_grams(l);
	r = r ? r : make_filter(l);
	if (r)
		return r;
	note_members(l);
	*out = TAKE_PTR(l);
	return 0;
}

void sig_literals_free(struct sig_literals *l)
{
	if (!l)
		return;
	free(l->texts);
	free(l->bytes);
	free(l->grams);
	free(l->heads);
	free(l->filter);
	free(l);
}

size_t sig_literals_memory(const struct sig_literals *l)
{
	return sizeof(*l) + l->n * sizeof(*l->texts) + l->n_bytes + l->n_grams * sizeof(*l->grams) +
	       (HEADS + 1) * sizeof(*l->heads) + (l->filter_mask + 1) / 8;
}

/* --- Ways ----------------------------------------------------------------------------------- */

static size_t seen_words(const struct sig_literals *l)
{
	return (l->n + 63) / 64;
}

size_t sig_literals_way_memory(const struct sig_literals *l)
{
	return sizeof(struct sig_literals_way) + seen_words(l) * 8 + l->keep;
}

struct sig_literals_way *sig_literals_way_new(const struct sig_literals *l)
{
	return calloc(1, sig_literals_way_memory(l));
}

static uint8_t *tail_of(const struct sig_literals *l, struct sig_literals_way *w)
{
	return (uint8_t *)(w->words + seen_words(l));
}

/* --- Scanning ------------------------------------------------------------------------------- */

/* What is looked through, and whom to tell. */
struct search {
	const struct sig_literals *l;
	struct sig_literals_way *way;
	const uint8_t *data;
	size_t n;
	uint64_t at; /* of data in the way */
	sig_literals_fn found;
	void *cookie;
};

static bool same(const struct text *t, const uint8_t *data)
{
	if (!t->nocase)
		return memcmp(t->bytes, data, t->n) == 0;
	for (uint32_t i = 0; i < t->n; i++)
		if (small(data[i]) != t->bytes[i])
			return false;
	return true;
}

/* A gram of the table's stands at i, or one that looks like it. */
__attribute__((noinline)) static void compare(const struct search *s, size_t i, uint32_t gram,
					      uint32_t h)
{
	const struct sig_literals *l = s->l;
	const uint32_t end = l->heads[head_of(h) + 1];

	for (uint32_t k = l->heads[head_of(h)]; k < end; k++) {
		const struct gram *g = &l->grams[k];
		const struct text *t = &l->texts[g->text];
		uint64_t *seen = &s->way->words[g->text / 64];
		const uint64_t bit = UINT64_C(1) << g->text % 64;
		uint64_t to;

		if (g->value != gram || i < g->at || t->n > s->n - (i - g->at) || *seen & bit)
			continue;
		to = s->at + (i - g->at) + t->n;
		if (to < t->min_end || (t->max_end && to > t->max_end))
			continue;
		if (!same(t, s->data + (i - g->at)))
			continue;
		*seen |= bit;
		s->found(s->cookie, t->id);
	}
}

static void look_at(const struct search *s, size_t i)
{
	const uint32_t gram = gram_at(s->data + i), full = hash(gram), h = full & s->l->filter_mask;

	if (__builtin_expect(s->l->filter[h / 64] >> h % 64 & 1, 0))
		compare(s, i, gram, full);
}

/* A bit for each of 32 bytes that is a member. */
__attribute__((target("avx2"))) static uint32_t members_of(const uint8_t *p, __m256i low,
							   __m256i high)
{
	const __m256i bits = _mm256_set1_epi64x((int64_t)0x8040201008040201);
	const __m256i v = _mm256_loadu_si256((const __m256i *)p);
	const __m256i index = _mm256_set1_epi8((char)0x8f), top = _mm256_set1_epi8((char)0x80);
	const __m256i row = _mm256_and_si256(_mm256_srli_epi16(v, 4), _mm256_set1_epi8(7));
	/* PSHUFB makes 0 of an index whose first bit is set. */
	const __m256i of_low = _mm256_shuffle_epi8(low, _mm256_and_si256(v, index));
	const __m256i of_high =
		_mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_xor_si256(v, top), index));
	const __m256i in =
		_mm256_and_si256(_mm256_or_si256(of_low, of_high), _mm256_shuffle_epi8(bits, row));

	return ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(in, _mm256_setzero_si256()));
}

/*
 * Looks at grams alone all of whose bytes are members: of random bytes, which is what makes up the
 * bulk, these are few, where the texts are text. Returns how far it came.
 */
__attribute__((target("avx2"))) static size_t search_blocks(const struct search *s)
{
	const uint64_t every_fifth = UINT64_C(0x1084210842108421); /* thirteen of them */
	const __m256i low =
		_mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)s->l->members[0]));
	const __m256i high =
		_mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)s->l->members[1]));
	size_t i = 0;

	for (; i + BLOCK <= s->n; i += 13 * STRIDE) {
		const uint8_t *p = s->data + i;
		uint64_t in = members_of(p, low, high) |
			      (uint64_t)members_of(p + BLOCK / 2, low, high) << 32;

		in &= in >> 1;
		in &= in >> 2;
		for (in &= every_fifth; in; in &= in - 1)
			look_at(s, i + (size_t)__builtin_ctzll(in));
	}
	return i;
}
_Static_assert(13 * STRIDE == BLOCK + 1 && GRAM == 4, "what search_blocks() is written for");

/* All texts that lie in s->data as a whole. */
static void search(const struct search *s)
{
	size_t i = __builtin_cpu_supports("avx2") ? search_blocks(s) : 0;

	for (; i + GRAM <= s->n; i += STRIDE)
		look_at(s, i);
}

/* The last bytes of the way, of which a text may be the beginning. */
static void keep_tail(const struct sig_literals *l, struct sig_literals_way *w, const uint8_t *data,
		      size_t n)
{
	uint8_t *tail = tail_of(l, w);
	size_t old = n < l->keep ? l->keep - n : 0;

	if (old > w->n_tail)
		old = w->n_tail;
	memmove(tail, tail + (w->n_tail - old), old);
	if (n > l->keep) {
		data += n - l->keep;
		n = l->keep;
	}
	memcpy(tail + old, data, n);
	w->n_tail = old + n;
}

void sig_literals_scan(const struct sig_literals *l, struct sig_literals_way *w, const void *data,
		       size_t n, sig_literals_fn found, void *cookie)
{
	uint8_t seam[2 * KEEP_MOST];
	const size_t head = n < l->keep ? n : l->keep, tail = w->n_tail;
	const struct search whole = {l, w, data, n, w->at, found, cookie};
	const struct search joint = {l, w, seam, tail + head, w->at - tail, found, cookie};

	/* What begins in an earlier piece ends within as many bytes of this one as are kept. */
	memcpy(seam, tail_of(l, w), tail);
	memcpy(seam + tail, data, head);
	if (tail)
		search(&joint);
	if (!tail || n > head)
		search(&whole);
	keep_tail(l, w, data, n);
	w->at += n;
}
