// SPDX-License-Identifier: GPL-2.0-or-later
#include "http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http_text.h"

#define METHOD_MOST  32
#define LINE_MOST    (HTTP_TARGET_MAX + 64) /* of a request line, with method and version */
#define CHUNK_LINE   64			    /* of a chunk's line, which has its size in front */
#define TRAILER_LINE 3 /* of a trailer: enough to see whether it is the empty line */
#define VERSION	     " HTTP/1.1"

enum state {
	REQUEST_LINE,
	HEADERS,
	BODY, /* `left` bytes of it */
	CHUNK_LINE_STATE,
	CHUNK, /* `left` bytes of it */
	CHUNK_END,
	TRAILERS,
	REST, /* a body without an end */
	OVER,
	STATES,
};

struct buffer {
	uint8_t *data;
	size_t n, room;
};

struct http {
	const struct http_ops *ops;
	void *cookie;
	enum state state;
	unsigned int anomalies; /* of this request */
	uint64_t n_requests;
	uint64_t left, body_offset;
	struct http_framing framing;
	struct buffer line; /* a request's or a chunk's line, or the headers not handed on yet */
	size_t field;	    /* of the headers: where the last field begins, */
	size_t begun;	    /* and its last line */
	bool line_begun; /* a CR behind a chunk was seen; or bytes of a line have left the buffer */
	bool split;	 /* the last field's beginning has left the buffer, and was read */
};

/* --- Buffers -------------------------------------------------------------------------------- */

static int append(struct buffer *b, const uint8_t *data, size_t n)
{
	size_t room = b->room ? b->room : 256;
	uint8_t *more;

	while (room < b->n + n)
		room *= 2;
	if (room != b->room) {
		more = realloc(b->data, room);
		if (!more)
			return -ENOMEM;
		b->data = more;
		b->room = room;
	}
	memcpy(b->data + b->n, data, n);
	b->n += n;
	return 0;
}

static void clear(struct buffer *b)
{
	free(b->data);
	*b = (struct buffer){.n = 0};
}

/* How many of the n bytes belong to the line that they begin with; *whole: it ends there. */
static size_t line_part(const uint8_t *data, size_t n, bool *whole)
{
	const uint8_t *end = memchr(data, '\n', n);

	*whole = end;
	return end ? (size_t)(end - data) + 1 : n;
}

/* The same, into h->line, of which `most` bytes are kept: what is more is left out. */
static int take_line(struct http *h, size_t most, const uint8_t *data, size_t n, size_t *used,
		     bool *whole)
{
	size_t room = most - h->line.n;

	*used = line_part(data, n, whole);
	return append(&h->line, data, *used < room ? *used : room);
}

static struct http_text without_end(const uint8_t *data, size_t n)
{
	if (n && data[n - 1] == '\n')
		n--;
	if (n && data[n - 1] == '\r')
		n--;
	return (struct http_text){data, n};
}

static void over(struct http *h)
{
	h->state = OVER;
	clear(&h->line);
}

/* --- A request's line ----------------------------------------------------------------------- */

/* Whether what there is of it can be one: else binary data would be kept until an LF comes. */
static bool may_be_request(const struct buffer *b)
{
	size_t i = 0;

	while (i < b->n && i <= METHOD_MOST && http_is_token(b->data[i]))
		i++;
	if (i == b->n)
		return i <= METHOD_MOST;
	return i ? i <= METHOD_MOST && memchr(" \t\r\n", b->data[i], 4)
		 : b->data[0] == '\r' || b->data[0] == '\n';
}

static int hand_on_target(struct http *h, struct http_text method, struct http_text raw)
{
	struct http_text target;
	uint8_t *normal;

	if (raw.n > HTTP_TARGET_MAX) {
		raw.n = HTTP_TARGET_MAX;
		h->anomalies |= HTTP_TARGET_CUT;
	}
	normal = malloc(raw.n);
	if (!normal)
		return -ENOMEM;
	target = (struct http_text){normal, http_normalise(raw, normal, &h->anomalies)};
	h->ops->target(h->n_requests++, method, raw, target, h->anomalies, h->cookie);
	free(normal);
	return 0;
}

static int take_request_line(struct http *h)
{
	struct http_text line = without_end(h->line.data, h->line.n), method, target;
	int r;

	h->framing = (struct http_framing){.length = 0};
	if (!line.n) { /* RFC 9112 section 2.2 */
		h->line.n = 0;
		return 0;
	}
	h->anomalies &= HTTP_TARGET_CUT;
	if (!http_request_line(line, &method, &target, &h->anomalies)) {
		over(h);
		return 0;
	}
	r = hand_on_target(h, method, target);
	h->line.n = h->field = h->begun = 0;
	h->line_begun = h->split = false;
	h->state = HEADERS;
	return r;
}

static int step_request_line(struct http *h, const uint8_t *data, size_t n, size_t *used)
{
	size_t room = LINE_MOST - h->line.n;
	bool whole;
	int r = take_line(h, LINE_MOST, data, n, used, &whole);

	if (r)
		return r;
	if (!may_be_request(&h->line)) {
		over(h);
		return 0;
	}
	if (*used > room)
		h->anomalies |= HTTP_TARGET_CUT;
	if (!whole)
		return 0;
	if (h->anomalies & HTTP_TARGET_CUT) /* what was cut off had a version, no doubt */
		memcpy(h->line.data + LINE_MOST - strlen(VERSION), VERSION, strlen(VERSION));
	return take_request_line(h);
}

/* --- Headers -------------------------------------------------------------------------------- */

static void end_request(struct http *h)
{
	h->ops->end(h->n_requests - 1, h->anomalies, h->cookie);
	h->anomalies = 0;
	h->state = REQUEST_LINE;
	clear(&h->line);
}

static void begin_body(struct http *h)
{
	h->line.n = 0;
	h->body_offset = 0;
	h->left = h->framing.length;
	if (h->framing.has_coding)
		h->state = h->framing.chunked ? CHUNK_LINE_STATE : REST;
	else if (h->left)
		h->state = BODY;
	else
		end_request(h);
}

static void hand_on_headers(struct http *h, size_t n, bool last)
{
	h->ops->headers(h->n_requests - 1, (struct http_text){h->line.data, n}, last, h->anomalies,
			h->cookie);
	h->line.n -= n;
	memmove(h->line.data, h->line.data + n, h->line.n);
}

/* The last field ends at `end`. */
static void take_field(struct http *h, size_t end)
{
	if (!h->split && end > h->field)
		http_header_line(without_end(h->line.data + h->field, end - h->field), &h->framing,
				 &h->anomalies);
	h->split = false;
	h->field = end;
}

static bool is_empty_line(const struct http *h)
{
	return !h->line_begun && without_end(h->line.data + h->begun, h->line.n - h->begun).n == 0;
}

/* A line has begun at h->begun and ends with what there is. */
static void take_header(struct http *h)
{
	uint8_t first = h->line.data[h->begun];

	if (is_empty_line(h)) {
		size_t end = h->begun;

		take_field(h, end);
		h->line.n = end;
		hand_on_headers(h, end, true);
		begin_body(h);
		return;
	}
	if (!h->line_begun) {
		if ((first == ' ' || first == '\t') && (h->begun > h->field || h->split))
			h->anomalies |= HTTP_FOLDED;
		else
			take_field(h, h->begun);
	}
	h->line_begun = false;
	h->begun = h->line.n;
}

/* No more fit: hands on all fields but the last, or, if there is no other, what there is of it. */
static void make_room(struct http *h)
{
	size_t n = h->field;

	h->anomalies |= HTTP_HEADERS_CUT;
	if (!n) {
		n = h->line.n;
		take_field(h, n);
		h->split = true;
		h->line_begun = h->line_begun || h->begun < n;
		h->begun = n;
	}
	hand_on_headers(h, n, false);
	h->field = 0;
	h->begun -= n;
}

static int step_headers(struct http *h, const uint8_t *data, size_t n, size_t *used)
{
	bool whole;
	int r;

	if (h->line.n == HTTP_HEADERS_MAX)
		make_room(h);
	if (n > HTTP_HEADERS_MAX - h->line.n)
		n = HTTP_HEADERS_MAX - h->line.n;
	*used = line_part(data, n, &whole);
	r = append(&h->line, data, *used);
	if (!r && whole)
		take_header(h);
	return r;
}

/* --- Bodies --------------------------------------------------------------------------------- */

static void hand_on_body(struct http *h, const uint8_t *data, size_t n)
{
	h->ops->body(h->n_requests - 1, h->body_offset, (struct http_text){data, n}, h->cookie);
	h->body_offset += n;
}

static size_t take_left(struct http *h, const uint8_t *data, size_t n)
{
	if (n > h->left)
		n = (size_t)h->left;
	hand_on_body(h, data, n);
	h->left -= n;
	return n;
}

static int step_body(struct http *h, const uint8_t *data, size_t n, size_t *used)
{
	*used = take_left(h, data, n);
	if (!h->left)
		end_request(h);
	return 0;
}

static int step_chunk(struct http *h, const uint8_t *data, size_t n, size_t *used)
{
	*used = take_left(h, data, n);
	if (!h->left)
		h->state = CHUNK_END;
	return 0;
}

static int step_rest(struct http *h, const uint8_t *data, size_t n, size_t *used)
{
	hand_on_body(h, data, n);
	*used = n;
	return 0;
}

static void bad_chunk(struct http *h)
{
	h->anomalies |= HTTP_BAD_CHUNK;
	end_request(h);
	over(h);
}

static int step_chunk_line(struct http *h, const uint8_t *data, size_t n, size_t *used)
{
	bool whole;
	int r = take_line(h, CHUNK_LINE, data, n, used, &whole);

	if (r || !whole)
		return r;
	if (!http_chunk_size(without_end(h->line.data, h->line.n), &h->left)) {
		bad_chunk(h);
		return 0;
	}
	h->line.n = 0;
	h->line_begun = false;
	h->state = h->left ? CHUNK : TRAILERS;
	return 0;
}

/* The line end behind a chunk. */
static int step_chunk_end(struct http *h, const uint8_t *data, size_t n, size_t *used)
{
	(void)n;
	*used = 1;
	if (data[0] == '\n') {
		h->line_begun = false;
		h->state = CHUNK_LINE_STATE;
	} else if (data[0] == '\r' && !h->line_begun) {
		h->line_begun = true;
	} else {
		bad_chunk(h);
	}
	return 0;
}

static int step_trailers(struct http *h, const uint8_t *data, size_t n, size_t *used)
{
	bool whole;
	int r = take_line(h, TRAILER_LINE, data, n, used, &whole);

	if (r || !whole)
		return r;
	if (without_end(h->line.data, h->line.n).n == 0)
		end_request(h);
	h->line.n = 0;
	return 0;
}

/* --- All of it ------------------------------------------------------------------------------ */

static int (*const steps[STATES])(struct http *h, const uint8_t *data, size_t n, size_t *used) = {
	[REQUEST_LINE] = step_request_line,
	[HEADERS] = step_headers,
	[BODY] = step_body,
	[CHUNK_LINE_STATE] = step_chunk_line,
	[CHUNK] = step_chunk,
	[CHUNK_END] = step_chunk_end,
	[TRAILERS] = step_trailers,
	[REST] = step_rest,
};

struct http *http_new(const struct http_ops *ops, void *cookie)
{
	struct http *h = calloc(1, sizeof(*h));

	if (h) {
		h->ops = ops;
		h->cookie = cookie;
	}
	return h;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	clear(&h->line);
	free(h);
}

int http_feed(struct http *h, const void *data, size_t n)
{
	const uint8_t *at = data;

	while (n && h->state != OVER) {
		size_t used = 0;
		int r = steps[h->state](h, at, n, &used);

		if (r) {
			over(h);
			return r;
		}
		at += used;
		n -= used;
	}
	return 0;
}

void http_gap(struct http *h, uint64_t n)
{
	bool in_body = h->state == BODY || h->state == CHUNK;

	if (h->state == REST) {
		h->body_offset += n;
		return;
	}
	if (!n || h->state == OVER)
		return;
	if (!in_body || n > h->left) {
		over(h);
		return;
	}
	h->body_offset += n;
	h->left -= n;
	if (!h->left && h->state == BODY)
		end_request(h);
	else if (!h->left)
		h->state = CHUNK_END;
}

bool http_is_over(const struct http *h)
{
	return h->state == OVER;
}

uint64_t http_requests(const struct http *h)
{
	return h->n_requests;
}

size_t http_memory(const struct http *h)
{
	return sizeof(*h) + h->line.room;
}
