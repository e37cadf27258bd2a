/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of a signature, one by one. For sig_rule.c. */
#ifndef FW_SIG_OPTION_H
#define FW_SIG_OPTION_H

#include "sig_rule.h"

/* A rule whose options are being read. */
struct sig_parse {
	struct sig_rule *rule;
	enum sig_buffer sticky; /* what the next content is looked for in */
	bool said_sticky;	/* it was named */
	bool has_sid, has_flow, has_msg;
};

/* One option; a value may be missing (NULL). As sig_rule_parse(). */
int sig_option_take(struct sig_parse *p, const char *name, char *value, struct sig_error *err);

/* After the last one: what only the whole rule shows. */
int sig_option_finish(struct sig_parse *p, struct sig_error *err);

/* content's and pcre's values; see sig_match.c. */
int sig_match_content(struct sig_parse *p, const char *name, char *value, struct sig_error *err);
int sig_match_pcre(struct sig_parse *p, const char *name, char *value, struct sig_error *err);

/* A modifier of the last content: nocase, offset, … */
int sig_match_modify(struct sig_parse *p, const char *name, char *value, struct sig_error *err);

/* A number from 0 to max and nothing after it. */
bool sig_option_number(const char *text, uint32_t max, uint32_t *out);

/* Takes the quotes off; false if there are none, or more than a pair of them. */
bool sig_option_unquote(char **value);

#endif
