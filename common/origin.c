/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "origin.h"

static const char *const names[] = {
	[ORIGIN_KNOWN] = "known",
	[ORIGIN_KERNEL] = "kernel",
	[ORIGIN_UNKNOWN] = "unknown",
};
static_assert(sizeof(names) / sizeof(names[0]) == ORIGIN_COUNT, "every origin has a name");

const char *origin_name(enum origin o)
{
	return (size_t)o < ORIGIN_COUNT ? names[o] : "?";
}

int origin_parse(const char *word, enum origin *out)
{
	for (int i = 0; i < ORIGIN_COUNT; i++)
		if (strcmp(names[i], word) == 0) {
			*out = (enum origin)i;
			return 0;
		}
	return -EINVAL;
}
