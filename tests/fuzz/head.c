/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "head.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define STEP 4 /* so that lengths past 65535 can be had, as packets of a GSO device have them */

struct head head_new(const uint8_t *data, size_t size)
{
	struct head h = {.n = size > 2 ? size - 2 : 0};

	h.bytes = malloc(h.n ? h.n : 1);
	fuzz_expect(h.bytes, "memory");
	if (h.n > 0)
		memcpy(h.bytes, data + 2, h.n);
	h.length = h.n + (size >= 2 ? STEP * (data[0] | (size_t)data[1] << 8) : 0);
	return h;
}

void head_free(struct head *h)
{
	free(h->bytes);
}
