/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many fixed texts, looked for all at once in bytes that come in pieces. Pure; immutable once made,
 * but for the state of each way.
 *
 * Of each text, eight bytes in a row are its window, and the five runs of four bytes in it its
 * grams. They are in a table; of the bytes that come, every fifth run of four alone is looked up:
 * wherever a window lies, one of its grams is among them. The table takes letters for alike
 * whatever their case, and what it finds is compared, so that a match is exact.
 *
 * This reads 2.5 times as fast as vectorscan does with thousands of texts, whose length and number
 * set its pace (docs/signatures.md). At worst, if every gram of the bytes is in the table,
 * SIG_LITERALS_ALIKE texts are compared at every fifth byte.
 */
#ifndef FW_SIG_LITERALS_H
#define FW_SIG_LITERALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIG_LITERAL_LEAST  8 /* bytes of a text */
#define SIG_LITERAL_MOST   512
#define SIG_LITERALS_ALIKE 16 /* texts that may have a gram in common */

struct sig_literal {
	const char *text;	   /* any bytes */
	size_t n;		   /* of them */
	bool nocase;		   /* A-Z are as a-z */
	uint64_t min_end, max_end; /* where it may end, in bytes of the way; max 0: anywhere */
	unsigned int id;	   /* what is told of it */
};

struct sig_literals;
struct sig_literals_way; /* what one way of a connection needs */

/*
 * Texts are copied. taken: n of them; false for those that are too short or long, or that have
 * grams in common with too many others: these are not looked for. 0; -ENOMEM; -ENOENT: none was
 * taken. *out untouched on failure.
 */
int sig_literals_new(const struct sig_literal *texts, size_t n, bool *taken,
		     struct sig_literals **out);
void sig_literals_free(struct sig_literals *l); /* NULL is fine */
size_t sig_literals_memory(const struct sig_literals *l);

/* A way that has had no bytes. NULL: no memory. free() frees it. */
struct sig_literals_way *sig_literals_way_new(const struct sig_literals *l);
size_t sig_literals_way_memory(const struct sig_literals *l);

typedef void (*sig_literals_fn)(void *cookie, unsigned int id);

/* The next n bytes of the way; each text is told of once, with the bytes that complete it. */
void sig_literals_scan(const struct sig_literals *l, struct sig_literals_way *w, const void *data,
		       size_t n, sig_literals_fn found, void *cookie);

#endif
