/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cidr.h"
#include "decimal.h"

static uint8_t family_width(uint8_t family)
{
	return family == 4 ? 32 : 128;
}

static int family_of_socket(uint8_t family)
{
	return family == 4 ? AF_INET : AF_INET6;
}

static int parse_addr(const char *text, size_t len, struct cidr *out)
{
	char addr[INET6_ADDRSTRLEN];

	if (len >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, text, len);
	addr[len] = '\0';
	out->family = strchr(addr, ':') ? 6 : 4;
	if (inet_pton(family_of_socket(out->family), addr, out->addr) != 1)
		return -EINVAL;
	return 0;
}

static void clear_past(struct cidr *c)
{
	size_t whole = c->len / 8;

	if (whole == sizeof(c->addr))
		return;
	c->addr[whole] &= (uint8_t)(0xff00 >> c->len % 8);
	memset(c->addr + whole + 1, 0, sizeof(c->addr) - whole - 1);
}

int cidr_parse(const char *text, struct cidr *out)
{
	size_t addr_len = strcspn(text, "/");
	struct cidr c = {0};
	uint64_t len;
	int r;

	r = parse_addr(text, addr_len, &c);
	if (r)
		return r;
	len = family_width(c.family);
	if (text[addr_len] == '/') {
		const char *digits = text + addr_len + 1;

		r = decimal_parse(digits, strlen(digits), len, &len);
		if (r)
			return r;
	}
	c.len = (uint8_t)len;
	clear_past(&c);
	*out = c;
	return 0;
}

void cidr_format(const struct cidr *c, char out[CIDR_TEXT_LEN])
{
	char addr[INET6_ADDRSTRLEN];

	inet_ntop(family_of_socket(c->family), c->addr, addr, sizeof(addr));
	snprintf(out, CIDR_TEXT_LEN, "%s/%u", addr, c->len);
}

bool cidr_contains(const struct cidr *c, uint8_t family, const uint8_t *addr)
{
	size_t whole = c->len / 8;
	unsigned int rest = c->len % 8;

	if (family != c->family || memcmp(addr, c->addr, whole) != 0)
		return false;
	return rest == 0 || ((addr[whole] ^ c->addr[whole]) & (0xff00 >> rest) & 0xff) == 0;
}
