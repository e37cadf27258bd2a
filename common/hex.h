/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SHA-256 digests and their hexadecimal text. */
#ifndef COMMON_HEX_H
#define COMMON_HEX_H

#include <stdint.h>

#define SHA256_LEN     32
#define SHA256_HEX_LEN 64

struct sha256 {
	uint8_t b[SHA256_LEN];
};

/*
 * Reads exactly 64 hexadecimal digits, either case, nothing after them.
 * Returns 0; -EMSGSIZE when the text is not 64 characters long, -EINVAL when one of them is not a
 * hexadecimal digit. *out is untouched on failure.
 */
int hex_parse_sha256(const char *text, struct sha256 *out);

/* Writes 64 lower-case digits and a NUL. */
void hex_format_sha256(const struct sha256 *d, char out[SHA256_HEX_LEN + 1]);

/* Byte order, as memcmp(3). */
int sha256_cmp(const struct sha256 *a, const struct sha256 *b);

#endif
