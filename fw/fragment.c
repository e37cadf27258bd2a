// SPDX-License-Identifier: GPL-2.0-or-later
#include "fragment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "siphash.h"

#define DATA_MOST 65535

const struct fragment_limits fragment_limits_default = {
	.datagrams = 1024,
	.memory = 8u << 20,
	.pieces = 256,
	.timeout_ns = 60000000000ull,
};

/* All bytes count: there is no padding. */
struct key {
	uint64_t netns;
	uint8_t saddr[16], daddr[16];
	uint32_t id;
	uint16_t family, next; /* next: of IPv4 alone */
};
_Static_assert(sizeof(struct key) == 48, "no padding");

struct piece {
	struct piece *next; /* by offset, apart */
	size_t offset, length;
	uint8_t data[];
};

struct datagram {
	struct datagram *next;	      /* in its bucket */
	TAILQ_ENTRY(datagram) by_age; /* of the latest fragment */
	struct key key;
	uint64_t last_ns;
	struct piece *pieces;
	size_t n_pieces, have; /* bytes */
	size_t end;	       /* of its data; 0: not known */
	struct packet first;   /* the fragment with offset 0, and its header */
	uint8_t *header;
	bool condemned;
};

TAILQ_HEAD(ages, datagram);

struct fragments {
	struct fragment_limits limits;
	uint64_t seed[2];
	struct datagram **buckets;
	size_t n_buckets; /* a power of two */
	struct ages ages; /* oldest first */
	size_t count, memory;
	struct datagram *completed; /* by the last call */
	uint8_t *whole;
	uint64_t stats[FRAGMENT_STATS];
};

struct fragments *fragments_new(const struct fragment_limits *limits, const uint64_t seed[2])
{
	struct fragments *f;

	if (!limits->datagrams || limits->pieces < 2) {
		errno = EINVAL;
		return NULL;
	}
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	*f = (struct fragments){.limits = *limits, .seed = {seed[0], seed[1]}, .n_buckets = 1};
	TAILQ_INIT(&f->ages);
	while (f->n_buckets < limits->datagrams)
		f->n_buckets *= 2;
	f->buckets = calloc(f->n_buckets, sizeof(struct datagram *));
	if (!f->buckets) {
		free(f);
		errno = ENOMEM;
		return NULL;
	}
	f->memory = sizeof(*f) + f->n_buckets * sizeof(struct datagram *);
	return f;
}

/* --- Datagrams ------------------------------------------------------------------------------ */

static struct datagram **bucket_of(const struct fragments *f, const struct key *key)
{
	return &f->buckets[siphash(f->seed, key, sizeof(*key)) & (f->n_buckets - 1)];
}

static void free_content(struct fragments *f, struct datagram *d)
{
	while (d->pieces) {
		struct piece *piece = d->pieces;

		d->pieces = piece->next;
		f->memory -= sizeof(*piece) + piece->length;
		free(piece);
	}
	if (d->header)
		f->memory -= d->first.fragment.header;
	free(d->header);
	d->header = NULL;
}

static void forget(struct fragments *f, struct datagram *d)
{
	struct datagram **link = bucket_of(f, &d->key);

	while (*link != d)
		link = &(*link)->next;
	*link = d->next;
	TAILQ_REMOVE(&f->ages, d, by_age);
	free_content(f, d);
	f->count--;
	f->memory -= sizeof(*d);
	if (f->completed == d)
		f->completed = NULL;
	free(d);
}

void fragments_free(struct fragments *f)
{
	if (!f)
		return;
	while (TAILQ_FIRST(&f->ages))
		forget(f, TAILQ_FIRST(&f->ages));
	free(f->whole);
	free(f->buckets);
	free(f);
}

static void expire(struct fragments *f, uint64_t now_ns)
{
	struct datagram *d;

	while ((d = TAILQ_FIRST(&f->ages)) && now_ns - d->last_ns >= f->limits.timeout_ns) {
		if (!d->condemned)
			f->stats[FRAGMENT_STAT_EXPIRED]++;
		forget(f, d);
	}
}

static bool has_room(const struct fragments *f, size_t bytes)
{
	return f->memory <= f->limits.memory && bytes <= f->limits.memory - f->memory;
}

/* The datagram that a fragment is of, the youngest now. NULL: no room for another. */
static struct datagram *datagram_of(struct fragments *f, uint64_t netns, const struct packet *p,
				    uint64_t now_ns)
{
	struct key key = {.netns = netns,
			  .id = p->fragment.id,
			  .family = p->family,
			  .next = p->family == 4 ? p->fragment.next : 0};
	struct datagram **bucket, *d;

	memcpy(key.saddr, p->saddr, sizeof(key.saddr));
	memcpy(key.daddr, p->daddr, sizeof(key.daddr));
	bucket = bucket_of(f, &key);
	for (d = *bucket; d && memcmp(&d->key, &key, sizeof(key)) != 0;)
		d = d->next;
	if (d) {
		TAILQ_REMOVE(&f->ages, d, by_age);
	} else {
		if (f->count >= f->limits.datagrams || !has_room(f, sizeof(*d)))
			return NULL;
		d = calloc(1, sizeof(*d));
		if (!d)
			return NULL;
		d->key = key;
		d->next = *bucket;
		*bucket = d;
		f->count++;
		f->memory += sizeof(*d);
	}
	d->last_ns = now_ns;
	TAILQ_INSERT_TAIL(&f->ages, d, by_age);
	return d;
}

/* --- Fragments ------------------------------------------------------------------------------ */

static enum fragment_result condemn(struct fragments *f, struct datagram *d)
{
	d->condemned = true;
	free_content(f, d);
	return FRAGMENT_BAD;
}

/* Where the datagram ends must be said once, behind all of its pieces. */
static bool ends_well(struct datagram *d, const struct packet_fragment *g)
{
	size_t end = (size_t)g->offset + g->length;

	if (g->more)
		return !d->end || end < d->end;
	for (const struct piece *piece = d->pieces; piece; piece = piece->next)
		if (piece->offset + piece->length > end)
			return false;
	if (d->end && d->end != end)
		return false;
	d->end = end;
	return true;
}

/* The link that the fragment's piece comes behind. *same: it is there already. False: it overlaps
 * with another. */
static bool place_of(struct datagram *d, const struct packet_fragment *g, const uint8_t *data,
		     struct piece ***link, bool *same)
{
	struct piece **at = &d->pieces, *p;
	size_t end = (size_t)g->offset + g->length;

	while (*at && (*at)->offset + (*at)->length <= g->offset)
		at = &(*at)->next;
	p = *at;
	*link = at;
	*same = p && p->offset == g->offset && p->length == g->length &&
		memcmp(p->data, data, g->length) == 0;
	return *same || !p || p->offset >= end;
}

static bool keep_header(struct fragments *f, struct datagram *d, const struct packet *p,
			const uint8_t *data)
{
	size_t n = p->fragment.header;

	if (p->fragment.offset || d->header)
		return true;
	if (!has_room(f, n))
		return false;
	d->header = malloc(n);
	if (!d->header)
		return false;
	memcpy(d->header, data, n);
	d->first = *p;
	f->memory += n;
	return true;
}

static bool keep_piece(struct fragments *f, struct datagram *d, struct piece **link,
		       const struct packet_fragment *g, const uint8_t *data)
{
	struct piece *piece;
	size_t size = sizeof(*piece) + g->length;

	if (!has_room(f, size))
		return false;
	piece = malloc(size);
	if (!piece)
		return false;
	piece->next = *link;
	piece->offset = g->offset;
	piece->length = g->length;
	memcpy(piece->data, data, g->length);
	*link = piece;
	f->memory += size;
	d->n_pieces++;
	d->have += g->length;
	return true;
}

/* All of it is there: makes the whole, and condemns the datagram unless it will have passed. */
static enum fragment_result complete(struct fragments *f, struct datagram *d,
				     struct fragment_whole *out)
{
	size_t header = d->first.fragment.header;
	uint8_t *whole = malloc(header + d->end);

	if (!whole)
		return FRAGMENT_FULL;
	if (packet_unfragmented_header(&d->first, d->header, header, d->end, whole)) {
		free(whole);
		f->stats[FRAGMENT_STAT_OVERSIZE]++;
		return condemn(f, d);
	}
	for (const struct piece *piece = d->pieces; piece; piece = piece->next)
		memcpy(whole + header + piece->offset, piece->data, piece->length);
	f->whole = whole;
	*out = (struct fragment_whole){whole, header + d->end};
	condemn(f, d);
	f->completed = d;
	return FRAGMENT_WHOLE;
}

static bool is_bad(struct fragments *f, const struct packet *p)
{
	const struct packet_fragment *g = &p->fragment;

	if ((size_t)g->offset + g->length > DATA_MOST) {
		f->stats[FRAGMENT_STAT_OVERSIZE]++;
		return true;
	}
	return p->malformed || !g->length || (g->more && g->length % 8);
}

enum fragment_result fragments_add(struct fragments *f, uint64_t netns, const struct packet *p,
				   const void *data, size_t copied, uint64_t now_ns,
				   struct fragment_whole *out)
{
	const struct packet_fragment *g = &p->fragment;
	const uint8_t *bytes = (const uint8_t *)data + g->data_at;
	struct piece **link;
	struct datagram *d;
	bool same;

	free(f->whole);
	f->whole = NULL;
	f->completed = NULL;
	expire(f, now_ns);
	if (!g->is)
		return p->later_fragment ? FRAGMENT_BAD : FRAGMENT_NOT;
	d = datagram_of(f, netns, p, now_ns);
	if (!d || copied < (size_t)g->data_at + g->length) {
		f->stats[FRAGMENT_STAT_REFUSED]++;
		return FRAGMENT_FULL;
	}
	if (d->condemned)
		return FRAGMENT_BAD;
	if (is_bad(f, p))
		return condemn(f, d);
	if (!place_of(d, g, bytes, &link, &same) || !ends_well(d, g)) {
		f->stats[FRAGMENT_STAT_OVERLAP]++;
		return condemn(f, d);
	}
	if (!same && d->n_pieces == f->limits.pieces)
		return condemn(f, d);
	if (!keep_header(f, d, p, data) || (!same && !keep_piece(f, d, link, g, bytes))) {
		f->stats[FRAGMENT_STAT_REFUSED]++;
		return FRAGMENT_FULL;
	}
	if (d->end && d->have == d->end)
		return complete(f, d, out);
	return FRAGMENT_HELD;
}

void fragments_passed(struct fragments *f)
{
	if (f->completed)
		forget(f, f->completed);
}

uint64_t fragments_stat(const struct fragments *f, enum fragment_stat which)
{
	return f->stats[which];
}

size_t fragments_count(const struct fragments *f)
{
	return f->count;
}

size_t fragments_memory(const struct fragments *f)
{
	return f->memory;
}
