/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The few rules that cover what was learned: pure. */
#ifndef FW_LEARN_SUGGEST_H
#define FW_LEARN_SUGGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cidr.h"
#include "common/rule.h"
#include "learn.h"

#define LEARN_WIDE_DEFAULT 16
#define LEARN_WIDE_MAX	   65536

struct learn_options {
	uint8_t prefix4, prefix6; /* addresses are as good as all that share so many bits: 0..32,
				     0..128 */
	uint32_t wide; /* a port with more addresses than this is for any: 0..LEARN_WIDE_MAX */
};

/* Packets that a rule is to let pass: of a party, in a chain, of a protocol. */
struct suggestion {
	enum chain chain;
	uint16_t party;
	uint8_t proto;
	enum learn_way way;
	struct port_range ports; /* of the service; 0, 0 with LEARN_BARE */
	bool any;		 /* whatever the peer: */
	struct cidr peer;
	size_t kinds;	  /* pairs of address and port that were seen, of those it covers */
	uint64_t packets; /* that were seen */
};

/*
 * Covers every entry, and no pair of address and port that was not seen, but for what the options
 * want. Which entries are to be covered is the caller's choice. Ports make a range and addresses a
 * prefix where all of it was seen. 0, with an array for the caller to free, sorted by its members
 * in their order; or -ENOMEM.
 */
int learn_suggest(const struct learn_entry *entries, size_t n, const struct learn_options *o,
		  struct suggestion **out, size_t *n_out);

#endif
