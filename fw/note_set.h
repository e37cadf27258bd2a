/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One set of the note table (common/probe_abi.h), as its reader sees it: which of the notes of a
 * fingerprint is a packet's. Of packets that are alike to the last byte of the print, the oldest
 * has the oldest note, for the queue keeps their order. That holds until a note is lost: one of
 * another socket has taken its place before it was read. From then on, which of those that are left
 * is whose cannot be told, and they say so, until the print has gone from where that was. Nor is a
 * note for whom its packet never comes, because a rule before the queue let it pass: a queue that
 * was empty since then has it no more. Reads what other processors write; never waits.
 */
#ifndef FW_NOTE_SET_H
#define FW_NOTE_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "common/probe_abi.h"

/* What the reader remembers of one place in a set. All 0: nothing. */
struct note_taken {
	uint64_t seq;	  /* of the last note that was taken from there */
	uint32_t packets; /* how many took it */
	bool astray;	  /* it took the place of one that was not taken by all of its packets */
};

/*
 * Takes the note of a packet. print: abi_print_at(). taken: ABI_NOTE_WAYS, of this set. empty_ns: a
 * moment (CLOCK_BOOTTIME) at which the packet's queue was empty before it came; 0: none is known.
 * Each note is taken as often as it has packets. False: there is none, *out says nothing. With
 * NOTE_OVERRUN in out->flags it may be another packet's that is alike; or it was lost, and *out has
 * nothing else.
 */
bool note_set_take(const struct note_set *set, struct note_taken *taken, uint64_t print,
		   uint64_t empty_ns, struct note *out);

#endif
