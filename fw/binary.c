// SPDX-License-Identifier: GPL-2.0-or-later
#include "binary.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define PROCESSES     4096  /* places that remember what a process runs; a power of two */
#define FLOWS	      65536 /* the same for flows */

static const char *const kinds[] = {
	[BINARY_KERNEL] = "kernel",
	[BINARY_UNKNOWN] = "unknown",
	[BINARY_OTHERS] = "others",
	[BINARY_PROGRAM] = "program",
};
static_assert(LENGTH(kinds) == BINARY_KIND_COUNT, "every kind has a name");

struct row {
	struct binary binary;
	UT_hash_handle hh;
};

struct place {
	struct binary_process process;
	struct object_key program; /* the row may be another's by now */
	struct row *row;	   /* NULL: the place is free */
};

struct binaries {
	struct row rows[BINARIES_MAX]; /* the first are of the kinds without a file */
	size_t n;
	struct row *by_key;
	uint64_t packets;
	struct place places[PROCESSES];
	uint16_t flows[FLOWS]; /* upper bits of prints: each packet looks there; 0: none */
};

const char *binary_kind_name(enum binary_kind k)
{
	return (size_t)k < BINARY_KIND_COUNT ? kinds[k] : "?";
}

struct binaries *binaries_new(void)
{
	struct binaries *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	for (b->n = 0; b->n < BINARY_PROGRAM; b->n++)
		b->rows[b->n].binary.kind = (enum binary_kind)b->n;
	return b;
}

void binaries_free(struct binaries *b)
{
	if (!b)
		return;
	HASH_CLEAR(hh, b->by_key);
	free(b);
}

static struct place *place_of(struct binaries *b, const struct binary_process *p)
{
	uint64_t h = abi_mix(abi_mix(abi_mix(0, p->pid), p->start_ns), p->stamp);

	return &b->places[(h ^ h >> 32) % PROCESSES];
}

struct binary *binaries_find(struct binaries *b, const struct binary_process *p)
{
	const struct place *at = place_of(b, p);

	if (!at->row || at->process.pid != p->pid || at->process.start_ns != p->start_ns ||
	    at->process.stamp != p->stamp ||
	    memcmp(&at->program, &at->row->binary.key, sizeof(at->program)) != 0)
		return NULL;
	return &at->row->binary;
}

static void add_count(struct binary_count *to, const struct binary_count *n)
{
	to->packets += n->packets;
	to->bytes += n->bytes;
}

static void add_binary(struct binary *to, const struct binary *from)
{
	to->flows += from->flows;
	if (from->last > to->last)
		to->last = from->last;
	add_count(&to->would, &from->would);
	for (size_t v = 0; v < VERDICT_COUNT; v++)
		add_count(&to->by[v], &from->by[v]);
}

/* The row that was silent for longest, emptied. */
static struct row *take_silent(struct binaries *b)
{
	struct row *oldest = &b->rows[BINARY_PROGRAM];

	for (size_t i = BINARY_PROGRAM; i < b->n; i++)
		if (b->rows[i].binary.last < oldest->binary.last)
			oldest = &b->rows[i];
	HASH_DEL(b->by_key, oldest);
	add_binary(&b->rows[BINARY_OTHERS].binary, &oldest->binary);
	return oldest;
}

static struct row *row_of(struct binaries *b, const struct object_key *program)
{
	struct row *row;

	HASH_FIND(hh, b->by_key, program, sizeof(*program), row);
	if (row)
		return row;
	row = b->n < BINARIES_MAX ? &b->rows[b->n++] : take_silent(b);
	memset(row, 0, sizeof(*row));
	row->binary.kind = BINARY_PROGRAM;
	row->binary.key = *program;
	HASH_ADD(hh, b->by_key, binary.key, sizeof(row->binary.key), row);
	return row;
}

struct binary *binaries_learn(struct binaries *b, const struct binary_process *p,
			      const struct object_key *program)
{
	struct place *at = place_of(b, p);

	at->process = *p;
	at->row = program ? row_of(b, program) : &b->rows[BINARY_UNKNOWN];
	at->program = at->row->binary.key;
	return &at->row->binary;
}

struct binary *binaries_row(struct binaries *b, enum binary_kind kind)
{
	return &b->rows[kind].binary;
}

static uint64_t mix_end(const uint8_t address[16], uint16_t port)
{
	uint64_t words[2];

	memcpy(words, address, sizeof(words));
	return abi_mix(abi_mix(port, words[0]), words[1]);
}

/* The sum of the two ends: the same in both directions. */
static uint64_t flow_print(const struct packet *p)
{
	uint64_t ends = mix_end(p->saddr, p->has_ports ? p->sport : 0) +
			mix_end(p->daddr, p->has_ports ? p->dport : 0);
	uint64_t print = abi_mix(ends, (uint64_t)p->family << 8 | p->proto);

	return print ? print : 1;
}

/* Whether it is not the flow that is remembered in its place; it is now. */
static bool is_new_flow(struct binaries *b, const struct packet *p)
{
	uint64_t print = flow_print(p);
	uint16_t *at = &b->flows[(print ^ print >> 32) % FLOWS], tag = (uint16_t)(print >> 48);
	bool new;

	tag = tag ? tag : 1;
	new = *at != tag;
	*at = tag;
	return new;
}

void binaries_count(struct binaries *b, struct binary *row, const struct packet *p,
		    enum verdict verdict, bool would)
{
	const struct binary_count one = {1, p->length};

	row->last = ++b->packets;
	row->flows += is_new_flow(b, p);
	add_count(&row->by[verdict], &one);
	if (would)
		add_count(&row->would, &one);
}

size_t binaries_copy(const struct binaries *b, struct binary out[BINARIES_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		if (b->rows[i].binary.last)
			out[n++] = b->rows[i].binary;
	return n;
}
