/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unsigned decimal numbers, read strictly: one number has one text. */
#ifndef COMMON_DECIMAL_H
#define COMMON_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

/*
 * Reads all `len` characters of text as digits: no sign, no blank, no needless leading 0 (which
 * others take for octal). Returns 0; -EINVAL for anything else, -ERANGE for a number past max.
 * *out is untouched on failure.
 */
int decimal_parse(const char *text, size_t len, uint64_t max, uint64_t *out);

#endif
