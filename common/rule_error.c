/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rule_error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int rule_refuse(struct rule_error *err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	return -EINVAL;
}

struct rule_shown rule_show(const char *word)
{
	struct rule_shown s;
	size_t n = 0;

	if (!*word)
		return (struct rule_shown){"\"\""};
	for (; n < RULE_SHOWN_MAX && word[n]; n++)
		s.text[n] = word[n] >= ' ' && word[n] <= '~' ? word[n] : '?';
	strcpy(s.text + n, word[n] ? "…" : "");
	return s;
}
