/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The first bytes of a packet, and how long it claims to be: what the kernel hands over. */
#ifndef TESTS_FUZZ_HEAD_H
#define TESTS_FUZZ_HEAD_H

#include <stddef.h>
#include <stdint.h>

struct head {
	uint8_t *bytes; /* memory of just so many: a sanitizer sees a read past them */
	size_t n, length;
};

/* The first two bytes of data: how much longer the packet is than the rest of them. */
struct head head_new(const uint8_t *data, size_t size);
void head_free(struct head *h);

#endif
