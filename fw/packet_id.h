/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ids that a queue gives its packets: they go up, and wrap at 2^32 (RFC 1982). */
#ifndef FW_PACKET_ID_H
#define FW_PACKET_ID_H

#include <stdbool.h>
#include <stdint.h>

static inline bool id_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

#endif
