/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdbool.h>

#include "decimal.h"

int decimal_parse(const char *text, size_t len, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;
	bool past = false;

	if (len == 0 || (len > 1 && text[0] == '0'))
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		past |= __builtin_mul_overflow(value, 10, &value);
		past |= __builtin_add_overflow(value, (unsigned int)(text[i] - '0'), &value);
	}
	if (past || value > max)
		return -ERANGE;
	*out = value;
	return 0;
}
