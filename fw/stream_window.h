/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes of one way of a stream that are kept: those that were handed on and may come again,
 * [base, next), and behind them, with gaps, those that wait. Offsets count from the way's first
 * byte. Pure.
 */
#ifndef FW_STREAM_WINDOW_H
#define FW_STREAM_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STREAM_RANGES_MAX 512 /* that wait apart from each other */

struct stream_range {
	uint64_t from, to; /* to is behind the last byte */
};

struct stream_window {
	uint8_t *ring; /* the byte at an offset lies at offset % size */
	uint32_t size; /* a power of two, or 0 */
	uint16_t n, room;
	struct stream_range *waiting; /* in order, apart, all behind next */
	uint64_t base, next;
};

void stream_window_release(struct stream_window *w); /* base and next stay */
size_t stream_window_memory(const struct stream_window *w);

/* Whether the n bytes at offset >= base are those that are kept, as far as any are. */
bool stream_window_agrees(const struct stream_window *w, uint64_t offset, const uint8_t *data,
			  size_t n);

/* How much more memory stream_window_put() may take for bytes up to `end`. */
size_t stream_window_growth(const struct stream_window *w, uint64_t end, size_t max);

/*
 * Keeps n bytes at offset >= base, of which the window has room for `max` (a power of two). Bytes
 * at next make it forget the oldest ones if it must. 0; -ENOSPC: they wait and there is no room, or
 * for no more ranges; -ENOMEM.
 */
int stream_window_put(struct stream_window *w, uint64_t offset, const uint8_t *data, size_t n,
		      size_t max);

/* Where what lies at next without a gap ends: of what was put and is not handed on. */
uint64_t stream_window_ready(const struct stream_window *w);

/* The bytes from offset on that lie in one piece in memory, no more than n; returns how many. */
size_t stream_window_piece(const struct stream_window *w, uint64_t offset, size_t n,
			   const uint8_t **out);

/* All before `next` has been handed on. What waits before it counts no longer as waiting. */
void stream_window_advance(struct stream_window *w, uint64_t next);

/* All before `base` need not be remembered; no further than next. */
void stream_window_forget(struct stream_window *w, uint64_t base);

#endif
