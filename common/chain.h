/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The iptables chains that packets are diverted from, and the verdicts they can get. */
#ifndef COMMON_CHAIN_H
#define COMMON_CHAIN_H

enum chain {
	CHAIN_INPUT,
	CHAIN_OUTPUT,
	CHAIN_FORWARD,
	CHAIN_COUNT,
};

enum verdict {
	VERDICT_ACCEPT,
	VERDICT_DROP,
	VERDICT_COUNT,
};

/* The name as iptables(8) writes it; never NULL. */
const char *chain_name(enum chain c);
const char *verdict_name(enum verdict v);

/* Case matters. Return 0, or -EINVAL for another word; *out is untouched on failure. */
int chain_parse(const char *word, enum chain *out);
int verdict_parse(const char *word, enum verdict *out);

#endif
