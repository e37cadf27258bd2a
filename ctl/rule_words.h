/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of a rule on the command line: the grammar of common/rule.h, and three that only a
 * client can resolve, because they name what is here and now:
 *
 *   -n PATH         -> -n net:[INODE]   the network namespace that PATH is
 *   --object PATH   -> --sng-hash HEX   the file that PATH is
 *   --script PATH   -> --script HEX     the same, unless PATH is 64 hexadecimal digits
 *
 * In a patch, --object PATH becomes --sng-hash HEX --file PATH, with PATH as realpath(3) has it.
 */
#ifndef CTL_RULE_WORDS_H
#define CTL_RULE_WORDS_H

#include "common/patch.h"
#include "common/rule.h"

/* As rule_option_width(), for this larger grammar. */
int rule_words_width(const char *word);

/* 0; or -EINVAL or another -errno, with *err filled as rule_parse() does. *out is untouched on
 * failure. */
int rule_words_resolve(int n, char *const words[], struct rule *out, struct rule_error *err);

/* The same of the words of a patch. */
int rule_words_resolve_patch(int n, char *const words[], struct patch *out, struct rule_error *err);

#endif
