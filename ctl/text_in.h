/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file, or "-" for the standard input, as text for a request. */
#ifndef CTL_TEXT_IN_H
#define CTL_TEXT_IN_H

#include <stddef.h>

/* At most `most` bytes of UTF-8 without NUL, to be freed. 0; else it has been told what is wrong.
 */
int text_in_read(const char *path, size_t most, char **text, size_t *length);

#endif
