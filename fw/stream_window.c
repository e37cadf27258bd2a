// SPDX-License-Identifier: GPL-2.0-or-later
#include "stream_window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_LEAST 2048
#define WORD	   64 /* bits */

void stream_window_release(struct stream_window *w)
{
	free(w->ring);
	free(w->waits);
	*w = (struct stream_window){
		.base = w->next, .next = w->next, .ready = w->next, .top = w->next};
}

static size_t memory_of(size_t size, bool waits)
{
	return size + (waits ? size / 8 : 0);
}

size_t stream_window_memory(const struct stream_window *w)
{
	return memory_of(w->size, w->waits);
}

/* --- What waits ----------------------------------------------------------------------------- */

/* The first offset in [from, to) that waits, or does not; to: there is none. */
static uint64_t find(const struct stream_window *w, uint64_t from, uint64_t to, bool waits)
{
	while (from < to) {
		size_t at = from & (w->size - 1u);
		uint64_t word = w->waits[at / WORD];

		word = (waits ? word : ~word) >> at % WORD;
		if (word) {
			from += (unsigned int)__builtin_ctzll(word);
			return from < to ? from : to;
		}
		from += WORD - at % WORD;
	}
	return to;
}

static void mark(struct stream_window *w, uint64_t from, uint64_t to, bool waits)
{
	while (from < to) {
		size_t at = from & (w->size - 1u), n = WORD - at % WORD;
		uint64_t mask;

		n = n < to - from ? n : to - from;
		mask = UINT64_MAX >> (WORD - n) << at % WORD;
		if (waits)
			w->waits[at / WORD] |= mask;
		else
			w->waits[at / WORD] &= ~mask;
		from += n;
	}
}

/* There is no gap before `to`, nor where what waits there goes on. */
static void extend(struct stream_window *w, uint64_t to)
{
	uint64_t top = w->top;

	if (to < w->ready)
		to = w->ready;
	if (to < top)
		to = find(w, to, top, false);
	else
		w->top = to;
	if (w->waits)
		mark(w, w->ready, to < top ? to : top, false);
	w->ready = to;
}

/* --- Comparing ------------------------------------------------------------------------------ */

size_t stream_window_piece(const struct stream_window *w, uint64_t offset, size_t n,
			   const uint8_t **out)
{
	size_t at = offset & (w->size - 1u), left = w->size - at;

	*out = w->ring + at;
	return n < left ? n : left;
}

/* Whether the bytes of [from, to) are those at data, which begin at offset. */
static bool same(const struct stream_window *w, uint64_t from, uint64_t to, uint64_t offset,
		 const uint8_t *data, size_t n)
{
	const uint8_t *kept;

	if (from < offset)
		from = offset;
	if (to > offset + n)
		to = offset + n;
	while (from < to) {
		size_t piece = stream_window_piece(w, from, to - from, &kept);

		if (memcmp(kept, data + (from - offset), piece) != 0)
			return false;
		from += piece;
	}
	return true;
}

bool stream_window_agrees(const struct stream_window *w, uint64_t offset, const uint8_t *data,
			  size_t n)
{
	uint64_t from = offset > w->ready ? offset : w->ready,
		 end = offset + n < w->top ? offset + n : w->top, to;

	if (!same(w, w->base, w->ready, offset, data, n))
		return false;
	for (from = find(w, from, end, true); from < end; from = find(w, to, end, true)) {
		to = find(w, from, end, false);
		if (!same(w, from, to, offset, data, n))
			return false;
	}
	return true;
}

/* --- Keeping -------------------------------------------------------------------------------- */

/* The size for bytes up to `end`; as it is now if that is enough. */
static size_t size_for(const struct stream_window *w, uint64_t end, size_t max)
{
	size_t size = w->size ? w->size : SIZE_LEAST;

	while (size < end - w->base && size < max)
		size *= 2;
	return size;
}

size_t stream_window_growth(const struct stream_window *w, uint64_t offset, size_t n, size_t max)
{
	bool waits = w->waits || offset > w->ready;

	return memory_of(size_for(w, offset + n, max), waits) - stream_window_memory(w);
}

/* Writes the n bytes at offset, of more than the ring has room for the last ones. */
static void write_ring(uint8_t *ring, size_t size, uint64_t offset, const uint8_t *data, size_t n)
{
	if (n > size) {
		data += n - size;
		offset += n - size;
		n = size;
	}
	while (n) {
		size_t at = offset & (size - 1), piece = n < size - at ? n : size - at;

		memcpy(ring + at, data, piece);
		offset += piece;
		data += piece;
		n -= piece;
	}
}

/* To a ring of `size`, with bits if `waits`. */
static int resize(struct stream_window *w, size_t size, bool waits)
{
	struct stream_window to = *w;

	if (size == w->size && waits == !!w->waits)
		return 0;
	to.size = (uint32_t)size;
	to.ring = malloc(size);
	to.waits = waits ? calloc(size / WORD, sizeof(*to.waits)) : NULL;
	if (!to.ring || (waits && !to.waits)) {
		free(to.ring);
		free(to.waits);
		return -ENOMEM;
	}
	for (uint64_t at = w->base; at < w->top;) {
		const uint8_t *piece;
		size_t n = stream_window_piece(w, at, w->top - at, &piece);

		write_ring(to.ring, size, at, piece, n);
		at += n;
	}
	for (uint64_t end, at = find(w, w->ready, w->top, true); at < w->top;
	     at = find(w, end, w->top, true)) {
		end = find(w, at, w->top, false);
		mark(&to, at, end, true);
	}
	free(w->ring);
	free(w->waits);
	*w = to;
	return 0;
}

int stream_window_put(struct stream_window *w, uint64_t offset, const uint8_t *data, size_t n,
		      size_t max)
{
	uint64_t end = offset + n, last = end > w->top ? end : w->top;
	int r;

	if (offset > w->next && last - w->base > max)
		return -ENOSPC;
	r = resize(w, size_for(w, last, max), w->waits || offset > w->ready);
	if (r)
		return r;
	write_ring(w->ring, w->size, offset, data, n);
	if (last - w->base > w->size)
		w->base = last - w->size;
	if (offset > w->ready) {
		mark(w, offset, end, true);
		w->top = last;
	} else {
		extend(w, end);
	}
	return 0;
}

uint64_t stream_window_ready(const struct stream_window *w)
{
	return w->ready;
}

uint64_t stream_window_after_gap(const struct stream_window *w, uint64_t to)
{
	uint64_t end = to < w->top ? to : w->top, at;

	if (w->ready > w->next)
		return w->next < to ? w->next : to;
	at = find(w, w->next, end, true);
	return at < end ? at : to;
}

void stream_window_advance(struct stream_window *w, uint64_t next)
{
	w->next = next;
	extend(w, next);
}

void stream_window_forget(struct stream_window *w, uint64_t base)
{
	if (base > w->next)
		base = w->next;
	if (base > w->base)
		w->base = base;
}
