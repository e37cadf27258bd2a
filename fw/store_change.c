/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store_change.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/decimal.h"

#define CRC_POLYNOMIAL 0xedb88320u /* IEEE 802.3, bits reversed */
#define CRC_LEN	       8
#define INSERT_WORD    "-I "
#define DELETE_WORD    "-D "

uint32_t store_change_crc(const char *text, size_t n)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < n; i++) {
		crc ^= (unsigned char)text[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? CRC_POLYNOMIAL : 0);
	}
	return ~crc;
}

static void format_command(const struct store_change *c, char *out, size_t room)
{
	char text[RULE_TEXT_MAX];

	if (c->kind == STORE_DELETE) {
		snprintf(out, room, DELETE_WORD "%zu -c %s", c->index, chain_name(c->rule.chain));
		return;
	}
	rule_format(&c->rule, text);
	snprintf(out, room, INSERT_WORD "%zu %s", c->index, text);
}

size_t store_change_format(const struct store_change *c, uint64_t number,
			   char out[STORE_CHANGE_MAX])
{
	char covered[STORE_CHANGE_MAX];
	int n, digits;

	digits = snprintf(covered, sizeof(covered), "%llu ", (unsigned long long)number);
	format_command(c, covered + digits, sizeof(covered) - (size_t)digits);
	n = snprintf(out, STORE_CHANGE_MAX, STORE_CHANGE_WORD " %llu %08x %.*s",
		     (unsigned long long)number, store_change_crc(covered, strlen(covered)),
		     (int)(sizeof(covered) - (size_t)digits), covered + digits);
	return (size_t)n;
}

/* Eight hexadecimal digits in lower case, as they are written. */
static int read_crc(const char *text, uint32_t *out)
{
	static const char digits[] = "0123456789abcdef";
	uint32_t crc = 0;

	for (size_t i = 0; i < CRC_LEN; i++) {
		const char *digit = text[i] ? strchr(digits, text[i]) : NULL;

		if (!digit)
			return -EBADMSG;
		crc = crc << 4 | (uint32_t)(digit - digits);
	}
	*out = crc;
	return 0;
}

/* The line's number and its command, if its checksum says that it is whole. */
static int check_whole(const char *line, uint64_t *number, const char **command)
{
	const char *digits = line + strlen(STORE_CHANGE_WORD " "), *blank, *rest;
	char covered[STORE_CHANGE_MAX];
	uint32_t crc;
	int n;

	blank = strchr(digits, ' ');
	if (!blank || decimal_parse(digits, (size_t)(blank - digits), INT64_MAX, number))
		return -EBADMSG;
	if (read_crc(blank + 1, &crc) || blank[1 + CRC_LEN] != ' ')
		return -EBADMSG;
	rest = blank + 1 + CRC_LEN + 1;
	n = snprintf(covered, sizeof(covered), "%llu %s", (unsigned long long)*number, rest);
	if (n >= (int)sizeof(covered) || store_change_crc(covered, (size_t)n) != crc)
		return -EBADMSG;
	*command = rest;
	return 0;
}

/* The index between the command's word and the rest of it. */
static int read_index(const char **text, size_t *index)
{
	const char *blank = strchr(*text, ' ');
	uint64_t n;

	if (!blank || decimal_parse(*text, (size_t)(blank - *text), SIZE_MAX, &n))
		return -EINVAL;
	*index = n;
	*text = blank + 1;
	return 0;
}

static int read_command(const char *command, struct store_change *c)
{
	const bool is_delete = strncmp(command, DELETE_WORD, strlen(DELETE_WORD)) == 0;
	struct rule_error error;

	if (!is_delete && strncmp(command, INSERT_WORD, strlen(INSERT_WORD)) != 0)
		return -EINVAL;
	command += strlen(INSERT_WORD);
	if (read_index(&command, &c->index))
		return -EINVAL;
	c->kind = is_delete ? STORE_DELETE : STORE_INSERT;
	if (!is_delete)
		return rule_parse_text(command, &c->rule, &error) ? -EINVAL : 0;
	if (strncmp(command, "-c ", 3) != 0)
		return -EINVAL;
	return chain_parse(command + 3, &c->rule.chain) ? -EINVAL : 0;
}

int store_change_parse(const char *line, uint64_t number, struct store_change *out,
		       const char **why)
{
	struct store_change c = {.index = 0};
	const char *command;
	uint64_t has;

	if (strncmp(line, STORE_CHANGE_WORD " ", strlen(STORE_CHANGE_WORD " ")) != 0) {
		*why = "expected nothing after the end but changes";
		return -EBADMSG;
	}
	if (check_whole(line, &has, &command)) {
		*why = "not a whole change: its checksum is not that of its words";
		return -EBADMSG;
	}
	if (has != number) {
		*why = "a change is missing before this one";
		return -EINVAL;
	}
	if (read_command(command, &c)) {
		*why = "expected -I N and a rule, or -D N -c CHAIN";
		return -EINVAL;
	}
	*out = c;
	return 0;
}
