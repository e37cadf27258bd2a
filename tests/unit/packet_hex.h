/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets written down in hexadecimal, and what packet_parse() makes of them. */
#ifndef TESTS_PACKET_HEX_H
#define TESTS_PACKET_HEX_H

#include <CUnit/CUnit.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fw/packet.h"

#define BYTES_MAX 2048

/* Headers in hexadecimal; the blanks between their fields mean nothing. */
#define SRC4 "c0000201"
#define DST4 "c0000202"
#define SRC6 "20010db8 00000000 00000000 00000001"
#define DST6 "20010db8 00000000 00000000 00000002"

#define IP4(total, fragment, proto) "4500" total "0001" fragment "40" proto "0000" SRC4 DST4
#define IP4_OPTIONS(total, proto)   "4600" total "0001 0000 40" proto "0000" SRC4 DST4 "94040000"
#define IP6(payload, next)	    "60000000" payload next "40" SRC6 DST6

#define PORTS "0fa0 0050" /* 4000 -> 80 */
#define TCP   PORTS "11111111 22222222 5012 ffff 0000 0000"
#define UDP   PORTS "0008 0000"
#define UDP12 PORTS "000c 0000 61626364"

/* Extension headers of 8 bytes. */
#define EXT(next)	       next "00 0104 00000000"
#define FRAGMENT(next, offset) next "00" offset "00000007"
#define AH(next)	       next "01 0000 00000001 00000001"

static inline size_t hex_bytes(const char *hex, uint8_t out[BYTES_MAX])
{
	size_t n = 0;

	for (; *hex; hex++) {
		unsigned int byte = 0;

		if (*hex == ' ')
			continue;
		CU_ASSERT_FATAL(n < BYTES_MAX && sscanf(hex, "%2x", &byte) == 1);
		out[n++] = (uint8_t)byte;
		hex++;
	}
	return n;
}

/* From memory of exactly `copied` bytes, so that a sanitizer sees a read past them. */
static inline struct packet parse(const uint8_t *bytes, size_t copied, size_t length)
{
	uint8_t *exact = malloc(copied ? copied : 1);
	struct packet p;

	CU_ASSERT_PTR_NOT_NULL_FATAL(exact);
	memcpy(exact, bytes, copied);
	memset(&p, 0xff, sizeof(p));
	packet_parse(copied ? exact : NULL, copied, length, &p);
	free(exact);
	return p;
}

#endif
