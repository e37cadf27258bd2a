/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A change of the saved rules as a line of text, which is put at the end of the file instead of
 * writing all of it again:
 *
 *   change 7 5f0c9a31 -I 2 -c OUTPUT -v DROP --dport 25
 *   change 8 0f6be2c4 -D 2 -c OUTPUT
 *
 * Its number, from 1 in every file; a CRC-32 (IEEE 802.3, that of gzip(1)) of the number, a blank
 * and the rest; and the rest: the words of the command that does the same. Pure.
 */
#ifndef FW_STORE_CHANGE_H
#define FW_STORE_CHANGE_H

#include <stddef.h>
#include <stdint.h>

#include "common/rule.h"

#define STORE_CHANGE_WORD "change"
#define STORE_CHANGE_MAX  (RULE_TEXT_MAX + 64) /* bytes of the text, with its NUL */

enum store_change_kind {
	STORE_INSERT, /* the rule, at the index in its chain */
	STORE_DELETE, /* what is at the index of rule.chain */
};

struct store_change {
	enum store_change_kind kind;
	size_t index;
	struct rule rule; /* of STORE_DELETE the chain alone */
};

/* Writes the line, without its end. Returns its length. */
size_t store_change_format(const struct store_change *c, uint64_t number,
			   char out[STORE_CHANGE_MAX]);

/*
 * 0; -EBADMSG for what is no whole line of that kind, which a crash may have left, with a short
 * reason in *why; -EINVAL for one that is whole, but has another number than it should, or says
 * what cannot be. *out is untouched on failure.
 */
int store_change_parse(const char *line, uint64_t number, struct store_change *out,
		       const char **why);

/* CRC-32 of n bytes, for those who check files by other means. */
uint32_t store_change_crc(const char *text, size_t n);

#endif
