/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "wire.h"

/* Where each field of the header lies on the wire. */
enum {
	AT_MAGIC = 0,
	AT_VERSION = 4,
	AT_COMMAND = 6,
	AT_STATUS = 8,
	AT_RESERVED = 10,
	AT_LENGTH = 12,
};

static void put16(uint8_t *to, uint16_t value)
{
	value = htole16(value);
	memcpy(to, &value, sizeof(value));
}

static void put32(uint8_t *to, uint32_t value)
{
	value = htole32(value);
	memcpy(to, &value, sizeof(value));
}

static uint16_t get16(const uint8_t *from)
{
	uint16_t value;

	memcpy(&value, from, sizeof(value));
	return le16toh(value);
}

static uint32_t get32(const uint8_t *from)
{
	uint32_t value;

	memcpy(&value, from, sizeof(value));
	return le32toh(value);
}

uint32_t wire_request_max(enum wire_command command)
{
	return command == WIRE_RESTORE || command == WIRE_SIG_LOAD ? WIRE_RESTORE_MAX
								   : WIRE_REQUEST_MAX;
}

void wire_pack(const struct wire_header *h, uint8_t out[WIRE_HEADER_LEN])
{
	put32(out + AT_MAGIC, h->magic);
	put16(out + AT_VERSION, h->version);
	put16(out + AT_COMMAND, h->command);
	put16(out + AT_STATUS, h->status);
	put16(out + AT_RESERVED, h->reserved);
	put32(out + AT_LENGTH, h->length);
}

int wire_unpack(const uint8_t in[WIRE_HEADER_LEN], uint32_t max_length, struct wire_header *out)
{
	const struct wire_header h = {
		.magic = get32(in + AT_MAGIC),
		.version = get16(in + AT_VERSION),
		.command = get16(in + AT_COMMAND),
		.status = get16(in + AT_STATUS),
		.reserved = get16(in + AT_RESERVED),
		.length = get32(in + AT_LENGTH),
	};

	/* Magic, then version: what the other fields mean is the version's to say. */
	if (h.magic != WIRE_MAGIC)
		return -EPROTO;
	if (h.version != WIRE_VERSION)
		return -EPROTONOSUPPORT;
	if (h.reserved != 0)
		return -EPROTO;
	if (h.command >= WIRE_COMMAND_COUNT)
		return -EOPNOTSUPP;
	if (h.length > max_length)
		return -EMSGSIZE;
	*out = h;
	return 0;
}
