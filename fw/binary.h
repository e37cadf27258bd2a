/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each program has sent and received: packets and bytes by verdict, and flows. A bounded table
 * of programs by the identity of their file; when it is full, the one that was silent for longest
 * is counted among the others. Pure; O(1) for each packet, but for a program that is new.
 */
#ifndef FW_BINARY_H
#define FW_BINARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/chain.h"
#include "common/probe_abi.h"
#include "packet.h"

#define BINARIES_MAX 512 /* the kinds below included */

enum binary_kind {
	BINARY_KERNEL,	/* nobody's: packets of kernel origin */
	BINARY_UNKNOWN, /* the process is not known, or what it runs */
	BINARY_OTHERS,	/* programs that there is no more room for */
	BINARY_PROGRAM,
	BINARY_KIND_COUNT,
};

const char *binary_kind_name(enum binary_kind k); /* "kernel" "unknown" "others" "program" */

struct binary_count {
	uint64_t packets, bytes;
};

struct binary {
	enum binary_kind kind;
	struct object_key key; /* BINARY_PROGRAM's */
	uint64_t last;	       /* the number of its last packet, of all that were counted */
	uint64_t flows;	       /* see binaries_count() */
	struct binary_count by[VERDICT_COUNT];
	struct binary_count would; /* of those that passed: that would have been stopped */
};

/* A process as it is between two changes of its mappings, as in struct note_holder. */
struct binary_process {
	uint64_t start_ns, stamp;
	uint32_t pid, pad;
};

struct binaries;

struct binaries *binaries_new(void); /* NULL with errno */
void binaries_free(struct binaries *b);

/* The row that binaries_learn() gave for the process; NULL: it is not known any more. Rows are
 * valid until the next binaries_learn(). */
struct binary *binaries_find(struct binaries *b, const struct binary_process *p);
/* program NULL: it is not known what the process runs. */
struct binary *binaries_learn(struct binaries *b, const struct binary_process *p,
			      const struct object_key *program);

/* The row of those that are no program. */
struct binary *binaries_row(struct binaries *b, enum binary_kind kind);

/*
 * Counts the packet. A flow is both directions of what has the same protocol, addresses and ports;
 * of those that were counted 65,536 places remember one each: a flow that comes back after another
 * one had its place counts again.
 */
void binaries_count(struct binaries *b, struct binary *row, const struct packet *p,
		    enum verdict verdict, bool would);

/* All rows that have counted anything, in no order. Returns how many. */
size_t binaries_copy(const struct binaries *b, struct binary out[BINARIES_MAX]);

#endif
