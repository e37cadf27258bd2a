/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes are read as a packet, within what was copied; of less of them never other facts. */
#include "fw/packet.h"

#include <string.h>

#include "common/utf8.h"
#include "fuzz.h"
#include "head.h"

static void expect_sound(const struct packet *p)
{
	static const uint8_t none[16];
	char text[PACKET_TEXT_LEN];

	fuzz_expect(p->family == 0 || p->family == 4 || p->family == 6, "a family");
	fuzz_expect(p->family || (!p->has_proto && !p->print && !p->l4_offset), "no IP header");
	fuzz_expect(p->family != 4 || (memcmp(p->saddr + 4, none, 12) == 0 &&
				       memcmp(p->daddr + 4, none, 12) == 0),
		    "4 bytes of an IPv4 address");
	fuzz_expect(p->has_proto || (!p->has_ports && !p->has_icmp && !p->has_tcp), "a protocol");
	fuzz_expect(!p->later_fragment || (!p->has_ports && !p->has_icmp && !p->has_tcp),
		    "no upper header in a later fragment");
	fuzz_expect(!p->has_tcp || (p->proto == 6 && p->has_ports), "ports where there is TCP");
	fuzz_expect(!p->icmp_error || p->proto == 1 || p->proto == 58, "an error of ICMP");
	fuzz_expect(p->l4_offset <= p->length, "an upper header in the packet");
	fuzz_expect(p->tcp_span <= p->length + 2, "no more than the packet has");
	packet_format(p, text);
	fuzz_expect(strlen(text) < PACKET_TEXT_LEN - 1 && utf8_is_printable(text), "a text: '%s'",
		    text);
}

/* What is known of the packet by fewer of its bytes is so. */
static void expect_consistent(const struct packet *less, const struct packet *more)
{
	if (less->family) {
		fuzz_expect(less->family == more->family, "one family");
		fuzz_expect(memcmp(less->saddr, more->saddr, 16) == 0 &&
				    memcmp(less->daddr, more->daddr, 16) == 0,
			    "the same addresses");
	}
	if (less->has_proto)
		fuzz_expect(more->has_proto && less->proto == more->proto, "one protocol");
	if (less->has_ports)
		fuzz_expect(more->has_ports && less->sport == more->sport &&
				    less->dport == more->dport,
			    "the same ports");
	if (less->has_tcp)
		fuzz_expect(more->has_tcp && less->tcp_seq == more->tcp_seq &&
				    less->tcp_ack == more->tcp_ack &&
				    less->tcp_flags == more->tcp_flags &&
				    less->tcp_span == more->tcp_span,
			    "one TCP header");
	if (less->has_icmp)
		fuzz_expect(more->has_icmp && less->icmp_type == more->icmp_type &&
				    less->sport == more->sport,
			    "one ICMP header");
	if (less->print)
		fuzz_expect(less->print == more->print, "one fingerprint");
	if (less->print_short)
		fuzz_expect(less->print_short == more->print_short, "one short fingerprint");
	fuzz_expect(!less->malformed || more->malformed, "a malformed packet to stay one");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct head h = head_new(data, size);
	struct packet whole, part;

	packet_parse(h.bytes, h.n, h.length, &whole);
	expect_sound(&whole);
	for (size_t n = 0; n < h.n && n < 128; n++) {
		packet_parse(h.bytes, n, h.length, &part);
		expect_sound(&part);
		expect_consistent(&part, &whole);
	}
	head_free(&h);
	return 0;
}
