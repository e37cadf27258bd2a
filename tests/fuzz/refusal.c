/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Of any packet, the answer that refuses it is none, or a sound packet that goes back to where that
 * came from, whose sums are right, and which has no answer itself.
 */
#include "fw/refusal.h"

#include <string.h>

#include "fuzz.h"
#include "head.h"

#define ID 0x1234

static uint32_t add(uint32_t so_far, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		so_far += (uint32_t)bytes[i] << (i % 2 ? 0 : 8);
	return so_far;
}

/* RFC 1071: what the checksum covers, with it, adds up to all ones. */
static void expect_all_ones(uint32_t sum, const char *what)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	fuzz_expect(sum == 0xffff, "the %s to add up, not to %#x", what, sum);
}

static void expect_sums(const struct packet *p, const uint8_t *out, size_t n)
{
	const size_t header = p->family == 4 ? 20 : 40, addresses = p->family == 4 ? 8 : 32;
	uint32_t sum = add(0, out + header, n - header);

	if (p->family == 4)
		expect_all_ones(add(0, out, header), "IPv4 header");
	if (p->proto != 1) /* all but ICMP have a pseudo header in it */
		sum = add(sum + p->proto + (uint32_t)(n - header), out + header - addresses,
			  addresses);
	expect_all_ones(sum, "upper header");
}

static void expect_refusal(const struct packet *p, const uint8_t *out, size_t n)
{
	uint8_t again[REFUSAL_MAX];
	struct packet answer;

	fuzz_expect(n <= REFUSAL_MAX, "at most %d bytes, not %zu", REFUSAL_MAX, n);
	packet_parse(out, n, n, &answer);
	fuzz_expect(!answer.malformed && answer.has_proto && answer.length == n, "a sound packet");
	fuzz_expect(answer.family == p->family && memcmp(answer.saddr, p->daddr, 16) == 0 &&
			    memcmp(answer.daddr, p->saddr, 16) == 0,
		    "it to go back");
	if (p->proto == 6)
		fuzz_expect(answer.proto == 6 && answer.sport == p->dport &&
				    answer.dport == p->sport,
			    "a RST for TCP");
	else
		fuzz_expect(answer.icmp_error, "an error for the rest");
	expect_sums(&answer, out, n);
	fuzz_expect(refusal_make(&answer, out, n, ID, again) == 0, "no answer to an answer");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct head h = head_new(data, size);
	uint8_t out[REFUSAL_MAX];
	struct packet p;
	size_t n;

	packet_parse(h.bytes, h.n, h.length, &p);
	n = refusal_make(&p, h.bytes, h.n, ID, out);
	if (n > 0)
		expect_refusal(&p, out, n);
	head_free(&h);
	return 0;
}
