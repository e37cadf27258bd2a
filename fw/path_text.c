// SPDX-License-Identifier: GPL-2.0-or-later
#include "path_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

json_t *path_text(const char *path)
{
	_cleanup_free_ char *text = NULL;
	json_t *json = path ? json_string(path) : json_null();
	char *to;

	if (json)
		return json;
	text = to = calloc(4, strlen(path) + 1);
	for (; text && *path; path++) {
		if ((unsigned char)*path < 0x80)
			*to++ = *path;
		else
			to += sprintf(to, "\\x%02x", (unsigned char)*path);
	}
	if (!text)
		return json_null();
	*to = 0;
	return json_string(text);
}
