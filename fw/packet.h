/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The headers of one IP packet. This file's .c is the only one that reads header bytes.
 */
#ifndef FW_PACKET_H
#define FW_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A part of a datagram (RFC 791 section 3.2, RFC 8200 section 4.5). */
struct packet_fragment {
	bool is;	  /* the rest was read: it begins past 0, or more are to come */
	bool more;	  /* it is not the last */
	uint8_t next;	  /* IANA number of what the whole datagram has after its IP header */
	uint16_t next_at; /* where the whole one's header says so, bytes from the IP header */
	uint16_t header;  /* bytes of the IP header, as the whole one has it too */
	uint16_t data_at; /* bytes from the IP header to the data */
	uint16_t offset;  /* bytes of the whole one's data that lie before this one's */
	uint16_t length;  /* bytes of data */
	uint32_t id;	  /* host order */
};

struct packet {
	uint8_t family; /* 4 or 6; 0 when not even the IP header could be read */
	uint8_t proto; /* IANA number of the last header found (IPv6: past the extension headers) */
	bool has_proto; /* proto is the upper layer's; false when the extension chain was cut short
			 */
	bool has_ports; /* sport and dport were read (TCP, UDP, UDP-Lite, SCTP, DCCP) */
	bool later_fragment; /* fragment offset > 0: the upper-layer header is in another packet */
	bool malformed; /* a length field contradicts the packet, or it is too short for a header */
	bool icmp_error; /* an ICMP or ICMPv6 error message, about somebody else's packet */
	bool has_icmp;	 /* icmp_type was read, and sport if it is an echo */
	uint8_t icmp_type;
	uint8_t tcp_flags; /* byte 13 of the TCP header (RFC 9293 section 3.1); 0 for others */
	bool has_tcp;	   /* these were read: */
	uint32_t tcp_seq, tcp_ack; /* host order */
	uint32_t tcp_span;	   /* sequence numbers that it takes: its bytes, SYN and FIN */
	uint16_t sport,
		dport; /* host order; ICMP echo: sport is the identifier, has_ports stays false */
	uint8_t saddr[16],
		daddr[16];  /* network order; IPv4 uses the first 4 bytes, the rest is 0 */
	uint32_t l4_offset; /* bytes from the IP header to the upper-layer header */
	/* TCP and UDP whose header was read: what it carries, bytes from the IP header, and how
	 * many of the packet, which may be more than were copied. Else both are 0. */
	uint32_t payload_offset, payload_length;
	struct packet_fragment fragment; /* all 0 where the packet is a whole datagram */
	uint32_t length;		 /* of the whole packet in bytes, not of the copy */
	uint64_t print;	      /* fingerprint as the probes note it (common/probe_abi.h); 0: none */
	uint64_t print_short; /* the short one; equal to print for TCP */
};

/*
 * Reads what can be known of a packet from the first `copied` bytes of its `length`. Never reads
 * past copied. A field that cannot be known is left 0 with its has_ flag false.
 * Sources: RFC 791, RFC 8200 section 4, RFC 4302 (AH), RFC 9293, RFC 768, RFC 792, RFC 4443,
 * RFC 8335 (extended echo).
 */
void packet_parse(const void *data, size_t copied, size_t length, struct packet *out);

/*
 * Writes the IP header of the whole datagram that p begins (fragment.offset is 0), as read from
 * these `copied` bytes at data: fragment.header bytes to out, for `length` bytes of data behind it.
 * An IPv4 header's checksum is left 0.
 * 0; -EINVAL: p does not begin one, or they were not copied; -EMSGSIZE: no header can say so many.
 */
int packet_unfragmented_header(const struct packet *p, const void *data, size_t copied,
			       size_t length, uint8_t *out);

/*
 * Whether the checksum of a TCP packet is right (RFC 9293 section 3.1), of which all bytes are at
 * data. True of what is not TCP, or not all there: nothing is known against it.
 */
bool packet_checksum_fits(const struct packet *p, const void *data, size_t copied);

/* Whether there may be ports that were not read, as against a protocol that has none. */
bool packet_may_have_ports(const struct packet *p);

/* "tcp 192.0.2.1:4000 -> 192.0.2.2:80"; "[2001:db8::1]:4000"; always NUL-terminated. */
#define PACKET_TEXT_LEN 160
void packet_format(const struct packet *p, char out[PACKET_TEXT_LEN]);

#endif
