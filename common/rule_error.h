/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was wrong with the text of a rule, or of what is written like one. */
#ifndef COMMON_RULE_ERROR_H
#define COMMON_RULE_ERROR_H

#define RULE_SHOWN_MAX 40 /* bytes of a user's word that an error repeats */

/* Ready to be printed on one line after a program's name. */
struct rule_error {
	char text[256]; /* e.g. "--dport 65536: expected a port 0..65535 or a range N:M" */
};

/* Fills in *err, cut to its size. Returns -EINVAL. */
int rule_refuse(struct rule_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

struct rule_shown {
	char text[RULE_SHOWN_MAX + sizeof("…")];
};

/* A user's word as an error may repeat it: short, one line, and safe on a terminal and in JSON. */
struct rule_shown rule_show(const char *word);

#endif
