/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "decimal.h"
#include "duration.h"

static const struct {
	char name;
	uint64_t seconds;
} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};

int duration_parse(const char *text, uint64_t max_s, uint64_t *out)
{
	size_t len = strlen(text);
	uint64_t n;
	int r;

	for (size_t i = 0; len > 0 && i < sizeof(units) / sizeof(units[0]); i++) {
		if (text[len - 1] != units[i].name)
			continue;
		r = decimal_parse(text, len - 1, max_s / units[i].seconds, &n);
		if (r)
			return r;
		*out = n * units[i].seconds;
		return 0;
	}
	return -EINVAL;
}
