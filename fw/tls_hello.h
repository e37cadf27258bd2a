/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a direction of a connection is TLS, by its first bytes (RFC 8446 section 5.1, 4). */
#ifndef FW_TLS_HELLO_H
#define FW_TLS_HELLO_H

#include <stddef.h>
#include <stdint.h>

#define TLS_HELLO_LEN 6 /* bytes that decide it */

enum tls_hello {
	TLS_HELLO_NO,
	TLS_HELLO_YES,	/* a handshake record of TLS 1.0 to 1.3 with a ClientHello or ServerHello */
	TLS_HELLO_MORE, /* it may still be: show more than these n < TLS_HELLO_LEN bytes */
};

enum tls_hello tls_hello_at(const void *data, size_t n);

#endif
