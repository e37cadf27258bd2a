// SPDX-License-Identifier: GPL-2.0-or-later
#include "stream_window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_LEAST 2048
#define ROOM_LEAST 4

void stream_window_release(struct stream_window *w)
{
	free(w->ring);
	free(w->waiting);
	*w = (struct stream_window){.base = w->next, .next = w->next};
}

size_t stream_window_memory(const struct stream_window *w)
{
	return w->size + w->room * sizeof(*w->waiting);
}

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
	if (!same(w, w->base, w->next, offset, data, n))
		return false;
	for (size_t i = 0; i < w->n && w->waiting[i].from < offset + n; i++)
		if (!same(w, w->waiting[i].from, w->waiting[i].to, offset, data, n))
			return false;
	return true;
}

/* Where the last byte that is kept ends. */
static uint64_t top(const struct stream_window *w)
{
	return w->n ? w->waiting[w->n - 1].to : w->next;
}

/* The size for bytes up to `end`; as it is now if that is enough. */
static size_t size_for(const struct stream_window *w, uint64_t end, size_t max)
{
	size_t size = w->size ? w->size : SIZE_LEAST;

	while (size < end - w->base && size < max)
		size *= 2;
	return size;
}

size_t stream_window_growth(const struct stream_window *w, uint64_t end, size_t max)
{
	size_t growth = size_for(w, end, max) - w->size;

	if (w->n == w->room)
		growth += (w->room ? w->room : ROOM_LEAST) * sizeof(*w->waiting);
	return growth;
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

static int resize(struct stream_window *w, size_t size)
{
	uint64_t end = top(w);
	uint8_t *ring;

	if (size == w->size)
		return 0;
	ring = malloc(size);
	if (!ring)
		return -ENOMEM;
	for (uint64_t at = w->base; at < end;) {
		const uint8_t *piece;
		size_t n = stream_window_piece(w, at, end - at, &piece);

		write_ring(ring, size, at, piece, n);
		at += n;
	}
	free(w->ring);
	w->ring = ring;
	w->size = (uint32_t)size;
	return 0;
}

static int make_range(struct stream_window *w)
{
	size_t room = w->room ? 2u * w->room : ROOM_LEAST;
	struct stream_range *more;

	if (w->n < w->room)
		return 0;
	if (room > STREAM_RANGES_MAX)
		return -ENOSPC;
	more = realloc(w->waiting, room * sizeof(*more));
	if (!more)
		return -ENOMEM;
	w->waiting = more;
	w->room = (uint16_t)room;
	return 0;
}

/* Adds [from, to) to what waits, one with what it touches. There is room for a range. */
static void add_range(struct stream_window *w, uint64_t from, uint64_t to)
{
	struct stream_range *r = w->waiting;
	size_t first = 0, last;

	while (first < w->n && r[first].to < from)
		first++;
	for (last = first; last < w->n && r[last].from <= to; last++) {
		from = r[last].from < from ? r[last].from : from;
		to = r[last].to > to ? r[last].to : to;
	}
	memmove(r + first + 1, r + last, (w->n - last) * sizeof(*r));
	r[first] = (struct stream_range){from, to};
	w->n = (uint16_t)(w->n + 1 - (last - first));
}

int stream_window_put(struct stream_window *w, uint64_t offset, const uint8_t *data, size_t n,
		      size_t max)
{
	uint64_t end = offset + n, last = end > top(w) ? end : top(w);
	int r;

	if (offset > w->next && last - w->base > max)
		return -ENOSPC;
	r = make_range(w);
	if (!r)
		r = resize(w, size_for(w, last, max));
	if (r)
		return r;
	write_ring(w->ring, w->size, offset, data, n);
	if (last - w->base > w->size)
		w->base = last - w->size;
	if (end > w->next)
		add_range(w, offset > w->next ? offset : w->next, end);
	return 0;
}

uint64_t stream_window_ready(const struct stream_window *w)
{
	return w->n && w->waiting[0].from == w->next ? w->waiting[0].to : w->next;
}

void stream_window_advance(struct stream_window *w, uint64_t next)
{
	size_t gone = 0;

	w->next = next;
	if (w->base > next)
		w->base = next;
	while (gone < w->n && w->waiting[gone].to <= next)
		gone++;
	if (!gone)
		return;
	w->n = (uint16_t)(w->n - gone);
	memmove(w->waiting, w->waiting + gone, w->n * sizeof(*w->waiting));
}

void stream_window_forget(struct stream_window *w, uint64_t base)
{
	if (base > w->next)
		base = w->next;
	if (base > w->base)
		w->base = base;
}
