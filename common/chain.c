/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "chain.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const char *const chains[] = {
	[CHAIN_INPUT] = "INPUT",
	[CHAIN_OUTPUT] = "OUTPUT",
	[CHAIN_FORWARD] = "FORWARD",
};
static_assert(LENGTH(chains) == CHAIN_COUNT, "every chain has a name");

static const char *const verdicts[] = {
	[VERDICT_ACCEPT] = "ACCEPT", [VERDICT_DROP] = "DROP", [VERDICT_REJECT] = "REJECT",
	[VERDICT_MARK] = "MARK",     [VERDICT_KILL] = "KILL",
};
static_assert(LENGTH(verdicts) == VERDICT_COUNT, "every verdict has a name");

const char *chain_name(enum chain c)
{
	return (size_t)c < CHAIN_COUNT ? chains[c] : "?";
}

const char *verdict_name(enum verdict v)
{
	return (size_t)v < VERDICT_COUNT ? verdicts[v] : "?";
}

static int find(const char *const *names, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], word) == 0)
			return (int)i;
	return -EINVAL;
}

int chain_parse(const char *word, enum chain *out)
{
	int i = find(chains, LENGTH(chains), word);

	if (i < 0)
		return i;
	*out = (enum chain)i;
	return 0;
}

int verdict_parse(const char *word, enum verdict *out)
{
	int i = find(verdicts, LENGTH(verdicts), word);

	if (i < 0)
		return i;
	*out = (enum verdict)i;
	return 0;
}

int policy_parse(const char *word, enum verdict *out)
{
	enum verdict v;

	if (verdict_parse(word, &v) || (v != VERDICT_ACCEPT && v != VERDICT_DROP))
		return -EINVAL;
	*out = v;
	return 0;
}

bool verdict_passes(enum verdict v)
{
	return v == VERDICT_ACCEPT || v == VERDICT_MARK;
}
