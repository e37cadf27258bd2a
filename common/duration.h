/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Spans of time as people write them: a number and its unit, such as 60s, 10m, 24h, 7d. */
#ifndef COMMON_DURATION_H
#define COMMON_DURATION_H

#include <stdint.h>

/*
 * Reads text (decimal_parse(), then one of s, m, h, d) into seconds. Returns 0; -EINVAL for
 * anything else, -ERANGE for more than max_s seconds. *out is untouched on failure.
 */
int duration_parse(const char *text, uint64_t max_s, uint64_t *out);

#endif
