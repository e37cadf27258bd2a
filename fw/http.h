/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The requests of one HTTP/1.1 connection (RFC 9112), from bytes in order, in any pieces. Pure.
 * Responses are not parsed.
 *
 * Lines end with LF, a CR before it belongs to the end. Empty lines before a request are skipped.
 * Each request of a pipeline is handed on by itself. A line that is no request line makes the rest
 * of the connection "not HTTP"; so does a gap outside of a body. A request with Upgrade or CONNECT
 * does not: the server may decline, and what follows is read as long as it is requests.
 *
 * The normalised target: percent-decoded once, never again (what could be decoded again is
 * flagged), letters A-Z to a-z; "+", dots, slashes, "?" and an absolute form stay as they are. An
 * escape that is none stays as it is and is flagged.
 */
#ifndef FW_HTTP_H
#define FW_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_TARGET_MAX	 8192  /* bytes; the rest of a longer one is not handed on */
#define HTTP_HEADERS_MAX 65536 /* bytes at a time; more are handed on in pieces */

/* What servers and proxies may read in more than one way; bits. */
enum http_anomaly {
	HTTP_TARGET_CUT = 1 << 0,    /* longer than HTTP_TARGET_MAX */
	HTTP_HEADERS_CUT = 1 << 1,   /* handed on in more than one piece, between two lines */
	HTTP_BAD_ESCAPE = 1 << 2,    /* "%" without two hexadecimal digits */
	HTTP_TWICE_ENCODED = 1 << 3, /* the decoded target has escapes in it */
	HTTP_BAD_VERSION = 1 << 4,   /* none, as in HTTP/0.9, or not HTTP/1.0 or HTTP/1.1 */
	HTTP_FOLDED = 1 << 5,	     /* a header goes on in a line that begins with a blank */
	HTTP_BAD_HEADER = 1 << 6,    /* no colon, a blank before it, NUL, or a CR inside a line */
	HTTP_BOTH_LENGTHS = 1 << 7,  /* Content-Length and Transfer-Encoding: the latter counts */
	HTTP_MANY_LENGTHS = 1 << 8,  /* more than one Content-Length: the first counts */
	HTTP_BAD_LENGTH = 1 << 9,    /* Content-Length is no number: 0 is taken */
	HTTP_BAD_CODING = 1 << 10,   /* Transfer-Encoding is not just "chunked"; taken as chunked if
					it ends so, else the rest of the connection as the body */
	HTTP_BAD_CHUNK = 1 << 11,    /* the rest of the connection is not HTTP */
	HTTP_UPGRADE = 1 << 12,	     /* an Upgrade header, or CONNECT */
};

/* Those by which a request can be hidden behind another one. */
#define HTTP_SMUGGLING                                                               \
	(HTTP_BAD_HEADER | HTTP_BOTH_LENGTHS | HTTP_MANY_LENGTHS | HTTP_BAD_LENGTH | \
	 HTTP_BAD_CODING | HTTP_BAD_CHUNK)

struct http_text {
	const uint8_t *data; /* no NUL at its end; valid during the call that hands it on */
	size_t n;
};

struct http;

/* request: 0, 1, 2, … of the connection. anomalies: of this request, as far as it was read. All
 * are needed. */
struct http_ops {
	/* A request line. raw: the target as it came; target: normalised. */
	void (*target)(uint64_t request, struct http_text method, struct http_text raw,
		       struct http_text target, unsigned int anomalies, void *cookie);
	/* The header lines as they came, with their line ends, without the empty line; n may be 0.
	 * `last`: the request has no more of them. */
	void (*headers)(uint64_t request, struct http_text raw, bool last, unsigned int anomalies,
			void *cookie);
	/* n > 0 bytes of the body, chunks put together. */
	void (*body)(uint64_t request, uint64_t offset, struct http_text data, void *cookie);
	/* Its body is complete; also where there is none. */
	void (*end)(uint64_t request, unsigned int anomalies, void *cookie);
};

/* ops must outlive it. NULL: no memory. */
struct http *http_new(const struct http_ops *ops, void *cookie);
void http_free(struct http *h); /* NULL is fine */

/* Once: the next bytes. 0, or -ENOMEM: it is "not HTTP" from now on. */
int http_feed(struct http *h, const void *data, size_t n);

/* n bytes are missing. */
void http_gap(struct http *h, uint64_t n);

/* It is not HTTP, or no longer: nothing more is handed on. Never true before the first bytes. */
bool http_is_over(const struct http *h);

/* Requests whose request line was read. */
uint64_t http_requests(const struct http *h);

/* Bytes that it takes now; at most some 150 KiB. */
size_t http_memory(const struct http *h);

#endif
