/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The notes (common/probe_abi.h), as their reader sees them: which of the notes of a fingerprint is
 * a packet's. Of packets that are alike to the last byte of the print, the oldest has the oldest
 * note, for the queue keeps their order. But it keeps the order in which they came, and two
 * processors write notes at the same time: where those of different sockets lie there together,
 * which is whose cannot be told. Nor can it when a note is lost: one of another socket has taken
 * its place in the set before it was read. They say so then, and name all whom they may be of,
 * until the queue has been empty, or the print has gone from where that was. Nor is a note for whom
 * its packet never comes, because a rule before the queue let it pass: a queue that was empty since
 * then has it no more, unless its sender, or the whole machine, stood still on the way there. Reads
 * what other processors write; never waits.
 */
#ifndef FW_NOTE_TABLE_H
#define FW_NOTE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/probe_abi.h"

/* What the reader remembers of one place in a ring. All 0: nothing. */
struct note_taken {
	uint64_t turn;	  /* of the last note that was taken from there */
	uint32_t packets; /* how many took it */
	bool mixed;	  /* it was taken while another processor's, of another socket, was left */
	uint64_t astray_ns; /* when the place was taken of one that not all of its packets had
			       taken, of this one or of those before it in its place; 0: never */
};

/* The note that follows the last one that was taken of a processor's. */
struct note_next {
	uint32_t cpu;
	uint64_t turn; /* at least; 0: none was taken */
};

#define NOTE_NEXTS 4 /* processors that notes are taken of by turns */

struct note_table {
	/* Written by the note program; of its owner, and never written here. */
	const struct note_set *sets;   /* 1 << set_bits */
	const struct note_head *heads; /* cpus << ring_bits */
	const struct note_rest *rests; /* the same, by ABI_NOTE_RESTS */
	const struct note_mixed *mixed;
	struct note_taken *taken; /* of each head */
	uint64_t secret;	  /* of abi_note_set() */
	uint32_t set_bits, ring_bits, cpus;
	uint64_t newest_ns; /* CLOCK_BOOTTIME: of the note that was taken last */
	struct note_next next[NOTE_NEXTS];
};

/*
 * Takes the note of a packet. print: abi_print_at(). empty_ns: a moment (CLOCK_BOOTTIME) at which
 * the packet's queue was empty before it came; 0: none is known. Each note is taken as often as it
 * has packets. False: there is none, *out says nothing. With NOTE_OVERRUN in out->flags it may be
 * another packet's that is alike, or it was lost: the holders in *out are those of all of them.
 */
bool note_table_take(struct note_table *t, uint64_t print, uint64_t empty_ns, struct note *out);

/*
 * For a packet that is sure to have a note, when none was young enough for it: it was longer on its
 * way than any should be, and the youngest is its own. As note_table_take().
 */
bool note_table_take_late(struct note_table *t, uint64_t print, struct note *out);

#endif
