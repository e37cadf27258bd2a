/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text that is written as to a file: the end of what open_memstream(3) begins. */
#ifndef COMMON_MEMSTREAM_H
#define COMMON_MEMSTREAM_H

#include <stdio.h>

/* Closes the stream. Returns its text, *text, for the caller to free; NULL: there was no memory for
 * all of it, and nothing is left to free. */
char *memstream_end(FILE *f, char **text);

#endif
