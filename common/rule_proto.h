/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Protocols above IP as rules name them (IANA protocol numbers; names as in /etc/protocols). */
#ifndef COMMON_RULE_PROTO_H
#define COMMON_RULE_PROTO_H

#include <stdbool.h>
#include <stdint.h>

/* 0, or -EINVAL: no protocol that rules have a name for. */
int rule_proto_find(const char *name, uint8_t *out);

/* How rules name it; NULL: by its number. */
const char *rule_proto_name(uint8_t proto);

/* Whether it has ports, so that --sport and --dport mean something for it. */
bool rule_proto_has_ports(uint8_t proto);

#endif
