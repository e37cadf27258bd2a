/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "hex.h"

/* Not isxdigit(3): that one asks the locale. */
static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int hex_parse_sha256(const char *text, struct sha256 *out)
{
	struct sha256 d;

	if (strnlen(text, SHA256_HEX_LEN + 1) != SHA256_HEX_LEN)
		return -EMSGSIZE;
	for (size_t i = 0; i < SHA256_LEN; i++) {
		int high = nibble(text[2 * i]);
		int low = nibble(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		d.b[i] = (uint8_t)(high << 4 | low);
	}
	*out = d;
	return 0;
}

void hex_format_sha256(const struct sha256 *d, char out[SHA256_HEX_LEN + 1])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < SHA256_LEN; i++) {
		out[2 * i] = digits[d->b[i] >> 4];
		out[2 * i + 1] = digits[d->b[i] & 15];
	}
	out[SHA256_HEX_LEN] = '\0';
}

int sha256_cmp(const struct sha256 *a, const struct sha256 *b)
{
	return memcmp(a->b, b->b, SHA256_LEN);
}
