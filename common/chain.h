/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The iptables chains that packets are diverted from, and the verdicts they can get. */
#ifndef COMMON_CHAIN_H
#define COMMON_CHAIN_H

#include <stdbool.h>

enum chain {
	CHAIN_INPUT,
	CHAIN_OUTPUT,
	CHAIN_FORWARD,
	CHAIN_COUNT,
};

enum verdict {
	VERDICT_ACCEPT,
	VERDICT_DROP,
	VERDICT_REJECT, /* drop, and tell the sender at once */
	VERDICT_MARK,	/* accept with another packet mark */
	VERDICT_KILL,	/* drop, and end who holds its socket */
	VERDICT_COUNT,
};

/* The name as iptables(8) writes it; never NULL. */
const char *chain_name(enum chain c);
const char *verdict_name(enum verdict v);

/* Case matters. Return 0, or -EINVAL for another word; *out is untouched on failure. */
int chain_parse(const char *word, enum chain *out);
int verdict_parse(const char *word, enum verdict *out);

/* The same for what a chain can have as its policy: ACCEPT or DROP. */
int policy_parse(const char *word, enum verdict *out);

/* Whether a packet with that verdict goes on its way. */
bool verdict_passes(enum verdict v);

#endif
