// SPDX-License-Identifier: GPL-2.0-or-later
#include "tls_hello.h"

#include <stdbool.h>

#define CONTENT_HANDSHAKE 22
#define CLIENT_HELLO	  1
#define SERVER_HELLO	  2
#define RECORD_MOST	  16384 /* bytes of a plaintext record: RFC 8446 section 5.1 */
#define HANDSHAKE_LEAST	  4	/* bytes: type and length */

static bool may_be(size_t at, uint8_t byte)
{
	switch (at) {
	case 0:
		return byte == CONTENT_HANDSHAKE;
	case 1:
		return byte == 3;
	case 2:
		return byte <= 4;
	case 5:
		return byte == CLIENT_HELLO || byte == SERVER_HELLO;
	default:
		return true;
	}
}

enum tls_hello tls_hello_at(const void *data, size_t n)
{
	const uint8_t *b = data;
	unsigned int length;

	for (size_t i = 0; i < n && i < TLS_HELLO_LEN; i++)
		if (!may_be(i, b[i]))
			return TLS_HELLO_NO;
	if (n < TLS_HELLO_LEN)
		return TLS_HELLO_MORE;
	length = (unsigned int)b[3] << 8 | b[4];
	return length >= HANDSHAKE_LEAST && length <= RECORD_MOST ? TLS_HELLO_YES : TLS_HELLO_NO;
}
