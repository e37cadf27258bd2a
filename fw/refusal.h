/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packet that tells a sender that his was refused, as bytes. Pure.
 */
#ifndef FW_REFUSAL_H
#define FW_REFUSAL_H

#include <stddef.h>
#include <stdint.h>

#include "packet.h"

#define REFUSAL_QUOTE 128 /* bytes of the refused packet that are needed, and repeated at most */
#define REFUSAL_MAX   (40 + 8 + REFUSAL_QUOTE)

/*
 * For TCP a RST that the sender's socket takes (RFC 9293 section 3.10.7.1), for what else has ports
 * "port unreachable", for the rest "administratively prohibited" (RFC 1812 section 5.2.7.1, RFC
 * 4443 section 3.1). It comes from where the packet was going to. `head`: the first head_len bytes
 * of the packet; `id`: its IPv4 identification. Returns its length; 0 when there must be none (RFC
 * 1122 section 3.2.2, RFC 4443 section 2.4 e): for an error, a RST, a later fragment, what is
 * malformed, what is not from one host to one host; or when too little of the packet is there.
 */
size_t refusal_make(const struct packet *p, const void *head, size_t head_len, uint16_t id,
		    uint8_t out[REFUSAL_MAX]);

#endif
