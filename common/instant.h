/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Points of time as RFC 3339 writes them, to the second: 2026-11-21T06:00:00Z. */
#ifndef COMMON_INSTANT_H
#define COMMON_INSTANT_H

#include <stdint.h>

#define INSTANT_TEXT_LEN 21		 /* with the NUL */
#define INSTANT_MAX	 253402300799ull /* the last second of the year 9999 */

/*
 * Reads text into seconds since 1970: a date of 1970 to 9999, "T", the time without a fraction, and
 * "Z" or an offset such as +01:00. Returns 0, or -EINVAL; *out is untouched on failure.
 */
int instant_parse(const char *text, uint64_t *out);

/* The text in UTC of a number up to INSTANT_MAX. */
void instant_format(uint64_t seconds, char out[INSTANT_TEXT_LEN]);

#endif
