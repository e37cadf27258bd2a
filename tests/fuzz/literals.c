/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any texts in any bytes, cut anywhere, are found as if each were looked for alone, byte by byte.
 * Input: how many texts; of each its length and a byte of flags; how long pieces are; what the
 * texts and the bytes are made of. */
#include "fw/sig_literals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define TEXTS_MAX 24

static unsigned int times[TEXTS_MAX];

static void on_found(void *cookie, unsigned int id)
{
	(void)cookie;
	times[id]++;
}

static uint8_t small(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 'a' - 'A') : c;
}

static bool is_at(const struct sig_literal *t, const uint8_t *data)
{
	for (size_t i = 0; i < t->n; i++) {
		const uint8_t a = (uint8_t)t->text[i], b = data[i];

		if (t->nocase ? small(a) != small(b) : a != b)
			return false;
	}
	return true;
}

static bool is_in(const struct sig_literal *t, const uint8_t *data, size_t n)
{
	for (size_t end = t->n; end <= n; end++)
		if (end >= t->min_end && (!t->max_end || end <= t->max_end) &&
		    is_at(t, data + end - t->n))
			return true;
	return false;
}

static void look(const struct sig_literals *l, const struct sig_literal *texts, const bool *taken,
		 size_t n_texts, const uint8_t *data, size_t n, size_t piece)
{
	struct sig_literals_way *w = sig_literals_way_new(l);

	for (size_t i = 0; i < n_texts; i++)
		times[i] = 0;
	for (size_t at = 0; at < n; at += piece) {
		const size_t m = piece < n - at ? piece : n - at;
		/* Of its own size, so that a byte behind it is noticed. */
		uint8_t *copy = malloc(m);

		memcpy(copy, data + at, m);
		sig_literals_scan(l, w, copy, m, on_found, NULL);
		free(copy);
	}
	for (size_t i = 0; i < n_texts; i++)
		fuzz_expect(times[i] == (taken[i] && is_in(&texts[i], data, n)),
			    "text %zu of %zu bytes found %u times, in pieces of %zu", i, texts[i].n,
			    times[i], piece);
	free(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sig_literal texts[TEXTS_MAX];
	struct sig_literals *l;
	bool taken[TEXTS_MAX];
	size_t n, used, piece;

	if (size < 2)
		return 0;
	n = 1 + data[0] % TEXTS_MAX;
	piece = 1 + data[1];
	used = 2 + 2 * n;
	if (size < used)
		return 0;
	for (size_t i = 0; i < n; i++) {
		const uint8_t flags = data[2 + 2 * i + 1];
		size_t length = data[2 + 2 * i] % 64, at = used + (flags >> 4) * 8;

		if (at + length > size)
			length = 0;
		texts[i] = (struct sig_literal){.text = length ? (const char *)data + at : "",
						.n = length,
						.nocase = flags & 1,
						.min_end = flags & 2 ? length + flags : 0,
						.max_end = flags & 4 ? length + flags : 0,
						.id = (unsigned int)i};
	}
	if (sig_literals_new(texts, n, taken, &l))
		return 0;
	look(l, texts, taken, n, data + used, size - used, piece);
	look(l, texts, taken, n, data + used, size - used, size);
	sig_literals_free(l);
	return 0;
}
