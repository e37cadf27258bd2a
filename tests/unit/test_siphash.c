/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fw/siphash.h"

#include "unit.h"

/* The example of the paper's appendix A. */
static void paper_example(void)
{
	static const uint64_t key[2] = {0x0706050403020100ull, 0x0f0e0d0c0b0a0908ull};
	uint8_t data[15];

	for (uint8_t i = 0; i < sizeof(data); i++)
		data[i] = i;
	CU_ASSERT(siphash(key, data, sizeof(data)) == 0xa129ca6149be45e5ull);
}

static const struct unit_test tests[] = {{"the example of its paper", paper_example}};
UNIT_SUITE("fw/siphash", tests)
