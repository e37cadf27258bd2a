/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes of one way of a stream that are kept: those that were handed on and may come again,
 * [base, next), and behind them, with gaps, those that wait. Offsets count from the way's first
 * byte. What waits is limited by its place alone, not by how many pieces it lies in: it has a bit
 * for each byte. No call looks at more of them than the bytes that it is given or lets go on. Pure.
 */
#ifndef FW_STREAM_WINDOW_H
#define FW_STREAM_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stream_window {
	uint8_t *ring;	 /* the byte at an offset lies at offset % size */
	uint64_t *waits; /* of each byte of the ring, whether it waits; NULL: none ever has */
	uint32_t size;	 /* a power of two, or 0 */
	uint64_t base, next;
	uint64_t ready; /* [next, ready) wait for their turn alone, none of them by its bit */
	uint64_t top;	/* behind the last byte that waits; or as ready */
};

void stream_window_release(struct stream_window *w); /* base and next stay */
size_t stream_window_memory(const struct stream_window *w);

/* Whether the n bytes at offset >= base are those that are kept, as far as any are. */
bool stream_window_agrees(const struct stream_window *w, uint64_t offset, const uint8_t *data,
			  size_t n);

/* How much more memory stream_window_put() takes for the same. */
size_t stream_window_growth(const struct stream_window *w, uint64_t offset, size_t n, size_t max);

/*
 * Keeps n bytes at offset >= base, of which the window has room for `max` (a power of two, at least
 * 2,048). Bytes at next make it forget the oldest ones if it must. 0; -ENOSPC: they wait and there
 * is no room; -ENOMEM.
 */
int stream_window_put(struct stream_window *w, uint64_t offset, const uint8_t *data, size_t n,
		      size_t max);

/* Where what lies at next without a gap ends: of what was put and is not handed on. */
uint64_t stream_window_ready(const struct stream_window *w);

/* Where the first byte that waits lies, in [next, to); to: none does. */
uint64_t stream_window_after_gap(const struct stream_window *w, uint64_t to);

/* The bytes from offset on that lie in one piece in memory, no more than n; returns how many. */
size_t stream_window_piece(const struct stream_window *w, uint64_t offset, size_t n,
			   const uint8_t **out);

/* All before `next` has been handed on, or is a gap, which is to be forgotten at once. What waits
 * before it counts no longer as waiting. */
void stream_window_advance(struct stream_window *w, uint64_t next);

/* All before `base` need not be remembered; no further than next. */
void stream_window_forget(struct stream_window *w, uint64_t base);

#endif
