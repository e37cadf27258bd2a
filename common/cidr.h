/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPv4 and IPv6 prefixes (RFC 4632, RFC 4291 section 2.3) and their text. */
#ifndef COMMON_CIDR_H
#define COMMON_CIDR_H

#include <stdbool.h>
#include <stdint.h>

/* Longest text: "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128" and a NUL. */
#define CIDR_TEXT_LEN 52

struct cidr {
	uint8_t family;	  /* 4 or 6 */
	uint8_t len;	  /* prefix length in bits: 0..32 or 0..128 */
	uint8_t addr[16]; /* network order; bits past len are 0; IPv4 uses the first 4 bytes */
};

/*
 * "ADDR" (a host: /32 or /128) or "ADDR/LEN". Bits past LEN are cleared.
 * Returns 0; -EINVAL for an address that inet_pton(3) refuses or a LEN that is not a plain decimal
 * number, -ERANGE for a LEN past the family's width. *out is untouched on failure.
 */
int cidr_parse(const char *text, struct cidr *out);

/* Always with "/LEN". */
void cidr_format(const struct cidr *c, char out[CIDR_TEXT_LEN]);

/* Whether addr (4 or 16 bytes in network order, by family) lies in c; a family never matches the
 * other. */
bool cidr_contains(const struct cidr *c, uint8_t family, const uint8_t *addr);

#endif
