/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPv4 and IPv6 fragments to whole datagrams (RFC 791, RFC 8200 section 4.5). Pure: no I/O, no
 * clock, one thread.
 *
 * All fragments but the one that completes a datagram may pass: the receiver can do nothing with
 * them. The one that completes it is judged by the whole, and if it is dropped, all that come
 * after it are.
 * Fragments that overlap condemn their datagram (RFC 5722 for IPv6; the same for IPv4, whose
 * receivers differ in what they take), but for exact repetitions. So do those that go on behind
 * the last one, that end it in two places, that come in too many pieces, or that make it longer
 * than 65,535 bytes. A datagram is forgotten by time alone, after its receiver has forgotten it:
 * whoever could have it evicted before would have its last fragment pass.
 *
 * The kernel has put IPv4 together before INPUT (ip_defrag in ip_local_deliver), and, with
 * connection tracking, before any chain of either family. IPv6 in INPUT, and both in FORWARD, may
 * come in fragments.
 */
#ifndef FW_FRAGMENT_H
#define FW_FRAGMENT_H

#include <stddef.h>
#include <stdint.h>

#include "packet.h"

struct fragments;

enum fragment_result {
	FRAGMENT_NOT,	/* it is a whole datagram: judge it as it is */
	FRAGMENT_HELD,	/* noted; it may pass */
	FRAGMENT_WHOLE, /* it completes one */
	FRAGMENT_BAD,	/* its datagram is condemned, or it is malformed: drop it */
	FRAGMENT_FULL,	/* no room, or not all of it was copied: by the fail mode */
	FRAGMENT_RESULTS,
};

struct fragment_limits {
	uint32_t datagrams;  /* incomplete or condemned, at least 1 */
	size_t memory;	     /* bytes */
	uint32_t pieces;     /* of one datagram, at least 2 */
	uint64_t timeout_ns; /* from its latest fragment on */
};

/* 1,024 datagrams; 8 MiB; 256 pieces; 60 s (RFC 8200 section 4.5), which is longer than Linux
 * keeps those of IPv4 (30 s). */
extern const struct fragment_limits fragment_limits_default;

/* The seed as in streams_new(). NULL with errno: ENOMEM, EINVAL. */
struct fragments *fragments_new(const struct fragment_limits *limits, const uint64_t seed[2]);
void fragments_free(struct fragments *f); /* NULL is fine */

/* The whole of it: an IP header without fragmentation, and all that follows. */
struct fragment_whole {
	const uint8_t *data; /* valid until the next call */
	size_t length;
};

/*
 * A packet as packet_parse() has read it from the same `copied` bytes at data; netns: any number
 * that tells network namespaces apart; now_ns: monotonic. *out is set with FRAGMENT_WHOLE only.
 */
enum fragment_result fragments_add(struct fragments *f, uint64_t netns, const struct packet *p,
				   const void *data, size_t copied, uint64_t now_ns,
				   struct fragment_whole *out);

/* What was FRAGMENT_WHOLE last has passed: its identification may serve again. Without this call
 * the datagram is condemned: all fragments of it are FRAGMENT_BAD until the timeout. */
void fragments_passed(struct fragments *f);

enum fragment_stat {
	FRAGMENT_STAT_EXPIRED, /* datagrams that were never completed */
	FRAGMENT_STAT_REFUSED, /* fragments for which there was no room */
	FRAGMENT_STAT_OVERLAP, /* fragments that contradict others */
	FRAGMENT_STAT_OVERSIZE,
	FRAGMENT_STATS,
};

uint64_t fragments_stat(const struct fragments *f, enum fragment_stat which);
size_t fragments_count(const struct fragments *f);  /* datagrams */
size_t fragments_memory(const struct fragments *f); /* bytes */

#endif
