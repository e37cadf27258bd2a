/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts each packet for the program that its holder runs (binary.h), and tells of it. */
#ifndef FW_TALLY_H
#define FW_TALLY_H

#include <jansson.h>

#include "attribution.h"
#include "binary.h"
#include "object.h"
#include "process.h"

struct tally;

/* Both outlive it. NULL with errno. */
struct tally *tally_new(struct processes *processes, struct objects *objects);
void tally_free(struct tally *t); /* NULL is fine */

/* On the data thread. The packet has been judged; of several holders it is the first one's. */
void tally_packet(struct tally *t, const struct attribution *who, const struct packet *p,
		  enum verdict verdict, bool would);

/* The same for a packet that no process has. */
void tally_kernel(struct tally *t, const struct packet *p, enum verdict verdict);

#define TALLY_PATH_MAX 256 /* with its NUL; a longer path is cut */

/* One program with its name. */
struct tally_row {
	struct binary binary;
	bool has_digest;
	struct sha256 digest;
	char path[TALLY_PATH_MAX];
};

/* All of them as they are now; on the data thread. Returns how many. */
size_t tally_copy(struct tally *t, struct tally_row out[BINARIES_MAX]);

/* A row as docs/ctl-fw.8 has it. Pure. A new reference, or NULL. */
json_t *tally_json(const struct tally_row *row);

#endif
