/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any packets, each with its length before it: wholes are sound packets, all is bounded. */
#include "fw/fragment.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fragment_limits limits = {
		.datagrams = 4, .memory = 40000, .pieces = 8, .timeout_ns = 50};
	static const uint64_t seed[2] = {1, 2};
	struct fragments *f = fragments_new(&limits, seed);
	uint64_t now = 1;

	while (size > 1) {
		size_t n = data[0] < size - 1 ? data[0] : size - 1;
		uint8_t *exact = malloc(n ? n : 1);
		struct fragment_whole whole;
		struct packet p;

		memcpy(exact, data + 1, n);
		packet_parse(exact, n, n, &p);
		if (fragments_add(f, 0, &p, exact, n, now++, &whole) == FRAGMENT_WHOLE) {
			fuzz_expect(whole.length >= 20 && whole.length <= 65575, "a length");
			packet_parse(whole.data, whole.length, whole.length, &p);
			fuzz_expect(p.family && !(p.family == 4 && p.fragment.is), "a whole one");
			if (n & 1)
				fragments_passed(f);
		}
		fuzz_expect(fragments_count(f) <= 4 && fragments_memory(f) <= limits.memory,
			    "bounds");
		free(exact);
		data += 1 + n;
		size -= 1 + n;
	}
	fragments_free(f);
	return 0;
}
