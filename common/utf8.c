/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stddef.h>
#include <stdint.h>

#include "utf8.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* By how many bytes follow the first. `least` keeps out overlong forms, and with them C0 and C1. */
static const struct {
	uint8_t mask, lead;
	uint32_t least;
} forms[] = {
	{0x80, 0x00, 0x20},
	{0xe0, 0xc0, 0xa0},
	{0xf0, 0xe0, 0x800},
	{0xf8, 0xf0, 0x10000},
};

static bool is_surrogate(uint32_t code)
{
	return code >= 0xd800 && code <= 0xdfff;
}

/* The length in bytes of the printable character at s; 0 if there is none. */
static size_t char_length(const uint8_t *s)
{
	size_t more = 0;
	uint32_t code;

	while (more < LENGTH(forms) && (s[0] & forms[more].mask) != forms[more].lead)
		more++;
	if (more == LENGTH(forms))
		return 0;
	code = s[0] & (uint8_t)~forms[more].mask;
	for (size_t i = 1; i <= more; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	if (code < forms[more].least || code == 0x7f || code > 0x10ffff || is_surrogate(code))
		return 0;
	return more + 1;
}

bool utf8_is_printable(const char *text)
{
	const uint8_t *s = (const uint8_t *)text;

	while (*s) {
		size_t n = char_length(s);

		if (n == 0)
			return false;
		s += n;
	}
	return true;
}

void utf8_make_printable(char *text)
{
	uint8_t *s = (uint8_t *)text;

	while (*s) {
		size_t n = char_length(s);

		if (n == 0)
			*s = '?';
		s += n ? n : 1;
	}
}
