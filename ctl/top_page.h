/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `ctl-fw top` shows: two replies of the daemon as a page of text. No I/O but to `out`. */
#ifndef CTL_TOP_PAGE_H
#define CTL_TOP_PAGE_H

#include <jansson.h>
#include <stdio.h>

/*
 * Writes at most `rows` lines of at most `columns` characters, harmless ones, each ended by
 * `end` but the last: rates between the two replies, and what was counted until the second. The
 * busiest programs come first. Both replies are objects; nothing else about them is sure.
 */
void top_page(FILE *out, const json_t *before, const json_t *after, unsigned int rows,
	      unsigned int columns, const char *end);

/* A number in at most 5 characters: 99999, 9999k, 99M. */
#define TOP_NUMBER_LEN 8
void top_number(double n, char out[TOP_NUMBER_LEN]);

#endif
