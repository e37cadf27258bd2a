/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text that strangers wrote and that goes into JSON and onto terminals. */
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

#include <stdbool.h>

/* Whether all of text is UTF-8 (RFC 3629) without control characters (U+0000..1F, U+007F..9F). */
bool utf8_is_printable(const char *text);

/* Puts a '?' for each byte of text that is not of such a character: also of one that was cut. */
void utf8_make_printable(char *text);

#endif
