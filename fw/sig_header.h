/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of a signature before its options: protocol, addresses, ports and direction. Pure.
 *
 * A list holds if any of its plain items holds (or it has none), and none of its negated ones:
 * "[10.0.0.0/8,!10.1.0.0/16]", "![80,443]", "1024:", "any".
 */
#ifndef FW_SIG_HEADER_H
#define FW_SIG_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cidr.h"
#include "packet.h"

#define SIG_LIST_MAX 64 /* items, of all nested lists */

struct sig_error;

enum sig_proto { SIG_IP, SIG_TCP, SIG_UDP, SIG_ICMP, SIG_HTTP, SIG_PROTOS };

struct sig_addresses {
	size_t n;
	bool any_plain; /* one of them is not negated */
	struct {
		bool negated;
		struct cidr cidr;
	} item[SIG_LIST_MAX];
};

struct sig_ports {
	size_t n;
	bool any_plain;
	struct {
		bool negated;
		uint16_t from, to;
	} item[SIG_LIST_MAX];
};

struct sig_side {
	struct sig_addresses addresses;
	struct sig_ports ports;
};

struct sig_header {
	enum sig_proto proto;
	bool both; /* <> */
	struct sig_side from, to;
};

/* Reads "PROTO SRC PORTS -> DST PORTS" and what follows it up to *end. As sig_rule_parse(). */
int sig_header_parse(const char *text, const char **end, struct sig_header *out,
		     struct sig_error *err);

/* Whether they say the same, which those of many rules do. */
bool sig_header_same(const struct sig_header *a, const struct sig_header *b);

bool sig_ports_have(const struct sig_ports *p, uint16_t port);

/* Whether the packet's protocol, ends and direction are the header's; p has ports if it is of TCP
 * or UDP. */
bool sig_header_fits(const struct sig_header *h, const struct packet *p);

/* The same of a packet that is not known as a whole: what of it is missing (no protocol, addresses
 * and ports that are 0) may be anything. */
bool sig_header_may_fit(const struct sig_header *h, const struct packet *p);

#endif
