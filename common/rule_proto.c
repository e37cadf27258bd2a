/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rule_proto.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *name;
	uint8_t number;
	bool has_ports;
} protocols[] = {
	/* Of two names for one number the first is canonical. */
	{"tcp", 6, true},      {"udp", 17, true},	 {"icmp", 1, false},
	{"icmpv6", 58, false}, {"ipv6-icmp", 58, false}, {"sctp", 132, true},
	{"dccp", 33, true},    {"udplite", 136, true},	 {"esp", 50, false},
	{"ah", 51, false},     {"gre", 47, false},	 {"igmp", 2, false},
	{"ipencap", 4, false}, {"egp", 8, false},	 {"igp", 9, false},
	{"ipv6", 41, false},   {"rsvp", 46, false},	 {"eigrp", 88, false},
	{"ospf", 89, false},   {"ipip", 94, false},	 {"etherip", 97, false},
	{"pim", 103, false},   {"ipcomp", 108, false},	 {"vrrp", 112, false},
	{"l2tp", 115, false},  {"isis", 124, false},	 {"mpls-in-ip", 137, false},
	{"hip", 139, false},
};

int rule_proto_find(const char *name, uint8_t *out)
{
	for (size_t i = 0; i < LENGTH(protocols); i++)
		if (strcmp(protocols[i].name, name) == 0) {
			*out = protocols[i].number;
			return 0;
		}
	return -EINVAL;
}

const char *rule_proto_name(uint8_t proto)
{
	for (size_t i = 0; i < LENGTH(protocols); i++)
		if (protocols[i].number == proto)
			return protocols[i].name;
	return NULL;
}

bool rule_proto_has_ports(uint8_t proto)
{
	for (size_t i = 0; i < LENGTH(protocols); i++)
		if (protocols[i].number == proto)
			return protocols[i].has_ports;
	return false;
}
