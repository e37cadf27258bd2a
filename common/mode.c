/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "mode.h"

static const char *const names[] = {
	[MODE_ENFORCE] = "enforce",
	[MODE_MONITOR] = "monitor",
};
static_assert(sizeof(names) / sizeof(names[0]) == MODE_COUNT, "every mode has a name");

const char *mode_name(enum mode m)
{
	return m < MODE_COUNT ? names[m] : "unknown";
}

int mode_parse(const char *word, enum mode *out)
{
	for (int m = 0; m < MODE_COUNT; m++)
		if (strcmp(word, names[m]) == 0) {
			*out = (enum mode)m;
			return 0;
		}
	return -EINVAL;
}
