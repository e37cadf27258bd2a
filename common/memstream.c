// SPDX-License-Identifier: GPL-2.0-or-later
#include "memstream.h"

#include <stdbool.h>
#include <stdlib.h>

char *memstream_end(FILE *f, char **text)
{
	bool whole = !ferror(f);

	if (fclose(f) || !whole) {
		free(*text);
		*text = NULL;
	}
	return *text;
}
