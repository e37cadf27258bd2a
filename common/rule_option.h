/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options of a rule's grammar (common/rule.h): how each is written, and how its value is read
 * and written. For common/rule.c; all others use that.
 */
#ifndef COMMON_RULE_OPTION_H
#define COMMON_RULE_OPTION_H

#include "rule.h"

/* The longest text of a value: a path with each byte escaped, in quotes. */
#define RULE_VALUE_MAX (2 * RULE_CGROUP_MAX + 3)

#define RULE_VERDICTS "ACCEPT, DROP, REJECT, KILL or MARK=0xVALUE[/0xMASK]"

/* What a rule states of itself and not of packets: cannot be negated. */
enum rule_setting {
	SETTING_CHAIN,
	SETTING_VERDICT,
	SETTING_MONITOR, /* has no value */
	SETTING_EXPIRES,
	SETTING_NOTE,
	SETTING_COUNT,
};

/* All options in one count: the matches, then the settings. */
#define OPTION_COUNT   (MATCH_COUNT + SETTING_COUNT)
#define OPTION_BIT(i)  MATCH_BIT(i)
#define SETTING_BIT(s) OPTION_BIT(MATCH_COUNT + (s))
#define MATCH_BITS_ALL (MATCH_BIT(MATCH_COUNT) - 1)

struct rule_option {
	const char *word;    /* the canonical one */
	const char *synonym; /* or NULL */
	/* Reads text into the field; NULL: the option has no value. 0, or -EINVAL with what was
	 * expected in *why. */
	int (*parse)(const char *text, void *field, struct rule_error *why);
	void (*format)(const void *field, char out[RULE_VALUE_MAX]);
	size_t field; /* its offset in struct rule */
};

/* i < OPTION_COUNT. */
const struct rule_option *rule_option_at(size_t i);

/* The place of the option with that word; OPTION_COUNT: there is none. */
size_t rule_option_find(const char *word);

#endif
