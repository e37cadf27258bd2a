/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rule_line.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Unquotes the word at *at in place and moves *at past it. */
static int take_word(char **at, struct rule_error *err)
{
	char *word = *at, *from = *at, *to = *at;
	bool quoted = false;

	for (; *from && (quoted || !is_blank(*from)); from++) {
		if (*from == '"') {
			quoted = !quoted;
			continue;
		}
		if (quoted && *from == '\\' && *++from != '"' && *from != '\\')
			return rule_refuse(err, "a \\ in quotes: expected \\\" or \\\\");
		*to++ = *from;
	}
	*at = *from ? from + 1 : from;
	*to = '\0';
	if (quoted)
		return rule_refuse(err, "%s: expected a closing \"", rule_show(word).text);
	return 0;
}

int rule_split(char *line, char *words[], int max, struct rule_error *err)
{
	int n = 0;

	for (;;) {
		while (is_blank(*line))
			line++;
		if (!*line || n == max)
			return n;
		words[n++] = line;
		if (take_word(&line, err))
			return -EINVAL;
	}
}

void rule_quote(const char *text, char *out)
{
	*out++ = '"';
	for (const char *c = text; *c; c++) {
		if (*c == '"' || *c == '\\')
			*out++ = '\\';
		*out++ = *c;
	}
	strcpy(out, "\"");
}
