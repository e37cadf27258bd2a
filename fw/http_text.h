/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the words of HTTP are read (RFC 9110, RFC 9112, RFC 3986). Pure. */
#ifndef FW_HTTP_TEXT_H
#define FW_HTTP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http.h"

/* Letters, digits and !#$%&'*+-.^_`|~ (RFC 9110 section 5.6.2). */
bool http_is_token(uint8_t c);

/* raw, percent-decoded once and in small letters, into raw.n bytes at out. Returns how many are
 * used, and adds HTTP_BAD_ESCAPE and HTTP_TWICE_ENCODED to *anomalies. */
size_t http_normalise(struct http_text raw, uint8_t *out, unsigned int *anomalies);

/* METHOD SP target [SP version], without its line end. False: it is none. HTTP/2 and up is none. */
bool http_request_line(struct http_text line, struct http_text *method, struct http_text *target,
		       unsigned int *anomalies);

/* How the length of a body is said; all 0 at first. */
struct http_framing {
	bool has_length, has_coding, chunked;
	uint64_t length;
};

/* One header line without its line end; lines that it was folded into are part of it. */
void http_header_line(struct http_text line, struct http_framing *f, unsigned int *anomalies);

/* The size that begins a chunk, in hexadecimal; an extension may follow. False: there is none, or
 * it is larger than 2^60. */
bool http_chunk_size(struct http_text line, uint64_t *out);

#endif
