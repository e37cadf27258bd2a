/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signatures, compiled for vectorscan: immutable once published, shared by reference, as a rule set
 * is (law 8). Compiling takes a second for some thousand rules: not on the thread of the packets.
 *
 * There is one database for each place that is looked into. Streams and HTTP headers and bodies
 * are scanned as they come, in any pieces; all others as one block. Where a set has many plain
 * contents for streams, these are not in the database: sig_literals.h looks for them.
 */
#ifndef FW_SIG_SET_H
#define FW_SIG_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet.h"
#include "sig_rule.h"

#define SIG_STREAM_STATE_MAX 65536 /* bytes that vectorscan may need for one stream */
#define SIG_EXPANSION_MAX    20000 /* what the nested repeats of one pcre may multiply to */

/* Contents of streams are looked for by sig_literals.h if they are at least so many, and all else
 * that vectorscan would have to look for in the same bytes is at most so much. */
#define SIG_LITERALS_FROM 500
#define SIG_LITERALS_REST 32

struct sig_set;

/*
 * Takes its own references on the rules, of which there is at least one; sids may be there twice.
 * depth: bytes of each way of a connection that are inspected; 0: all.
 * 0; -EINVAL or -ENOTSUP with *bad, the index of the rule that cannot be compiled, and err;
 * -ENOMEM. *out untouched on failure.
 */
int sig_set_new(struct sig_rule *const *rules, size_t n, uint64_t depth, struct sig_set **out,
		size_t *bad, struct sig_error *err);
struct sig_set *sig_set_ref(struct sig_set *s);
void sig_set_unref(struct sig_set *s); /* NULL is fine; any thread */

/* Whether the rule can be compiled, as sig_set_new() would say: 0 or as there. */
int sig_set_check(const struct sig_rule *r, struct sig_error *err);

size_t sig_set_count(const struct sig_set *s);
struct sig_rule *sig_set_rule(const struct sig_set *s, size_t i);
uint64_t sig_set_depth(const struct sig_set *s);
bool sig_set_stops(const struct sig_set *s); /* one of them drops or rejects */

/* How many parts of rules sig_literals.h looks for; 0: vectorscan looks for all. */
size_t sig_set_literals(const struct sig_set *s);

/* Bytes of the databases, and of what is kept for one way of a connection. */
size_t sig_set_memory(const struct sig_set *s);
size_t sig_set_stream_memory(const struct sig_set *s);

/* Whether a rule may look at what p carries: by its protocol and ports alone, both ways. O(1). */
bool sig_set_may_want(const struct sig_set *s, const struct packet *p);

/* Whether a rule may look at what goes the way that p does. O(different headers of rules). */
bool sig_set_wants(const struct sig_set *s, const struct packet *p, bool to_server);

/* Whether a rule looks into HTTP requests. */
bool sig_set_wants_http(const struct sig_set *s);

#endif
