/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A rule on one line: its words, separated by blanks; "double quotes" keep blanks together, and
 * inside them \" and \\ stand for " and \. */
#ifndef COMMON_RULE_LINE_H
#define COMMON_RULE_LINE_H

#include "rule_error.h"

/* Parts a line into its words, in place. Returns how many there are, at most max: more are not
 * looked at; or -EINVAL with *err filled. */
int rule_split(char *line, char *words[], int max, struct rule_error *err);

/* Text in quotes, as one word of a line. out: twice its length, and 3 bytes. */
void rule_quote(const char *text, char *out);

#endif
