// SPDX-License-Identifier: GPL-2.0-or-later
#include "http_text.h"

#include <string.h>

#define METHOD_MOST 32
#define SIZE_MOST   (1ull << 60)

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r' || c == '\n';
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

static int hex_of(uint8_t c)
{
	if (is_digit(c))
		return c - '0';
	c = lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool http_is_token(uint8_t c)
{
	return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* The byte that an escape at t.data[at] stands for, or -1. */
static int escape_at(struct http_text t, size_t at)
{
	int high, low;

	if (t.data[at] != '%' || t.n - at < 3)
		return -1;
	high = hex_of(t.data[at + 1]);
	low = hex_of(t.data[at + 2]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

size_t http_normalise(struct http_text raw, uint8_t *out, unsigned int *anomalies)
{
	struct http_text made = {out, 0};

	for (size_t i = 0; i < raw.n; i++) {
		int byte = escape_at(raw, i);

		if (byte >= 0)
			i += 2;
		else if (raw.data[i] == '%')
			*anomalies |= HTTP_BAD_ESCAPE;
		out[made.n++] = lower(byte >= 0 ? (uint8_t)byte : raw.data[i]);
	}
	for (size_t i = 0; i < made.n; i++)
		if (escape_at(made, i) >= 0)
			*anomalies |= HTTP_TWICE_ENCODED;
	return made.n;
}

static struct http_text trim(struct http_text t)
{
	while (t.n && is_blank(t.data[0])) {
		t.data++;
		t.n--;
	}
	while (t.n && is_blank(t.data[t.n - 1]))
		t.n--;
	return t;
}

/* What t begins with up to a blank; t goes on behind it. */
static struct http_text word(struct http_text *t)
{
	struct http_text w = {t->data, 0};

	while (w.n < t->n && !is_blank(t->data[w.n]))
		w.n++;
	t->data += w.n;
	t->n -= w.n;
	*t = trim(*t);
	return w;
}

static bool is(struct http_text t, const char *text)
{
	return t.n == strlen(text) && memcmp(t.data, text, t.n) == 0;
}

static bool is_any_case(struct http_text t, const char *text)
{
	if (t.n != strlen(text))
		return false;
	for (size_t i = 0; i < t.n; i++)
		if (lower(t.data[i]) != (uint8_t)text[i])
			return false;
	return true;
}

static bool ends_in_version(struct http_text t, struct http_text *target, struct http_text *version)
{
	size_t at = t.n;

	while (at && !is_blank(t.data[at - 1]))
		at--;
	*version = (struct http_text){t.data + at, t.n - at};
	*target = trim((struct http_text){t.data, at});
	return version->n >= 5 && memcmp(version->data, "HTTP/", 5) == 0;
}

bool http_request_line(struct http_text line, struct http_text *method, struct http_text *target,
		       unsigned int *anomalies)
{
	struct http_text rest = line, version, before;

	*method = word(&rest);
	if (!method->n || method->n > METHOD_MOST || method->n == line.n || !rest.n)
		return false;
	for (size_t i = 0; i < method->n; i++)
		if (!http_is_token(method->data[i]))
			return false;
	if (!ends_in_version(rest, &before, &version)) {
		/* HTTP/0.9 knows GET alone. */
		*target = rest;
		*anomalies |= HTTP_BAD_VERSION;
		return is(*method, "GET");
	}
	if (is(*method, "PRI") && is(version, "HTTP/2.0"))
		return false;
	if (!is(version, "HTTP/1.1") && !is(version, "HTTP/1.0"))
		*anomalies |= HTTP_BAD_VERSION;
	if (is(*method, "CONNECT"))
		*anomalies |= HTTP_UPGRADE;
	*target = before;
	return before.n > 0;
}

static void take_length(struct http_text value, struct http_framing *f, unsigned int *anomalies)
{
	uint64_t length = 0;
	bool good = value.n;

	if (f->has_length) {
		*anomalies |= HTTP_MANY_LENGTHS;
		return;
	}
	for (size_t i = 0; i < value.n && good; i++) {
		good = is_digit(value.data[i]) && length < SIZE_MOST / 10;
		length = length * 10 + (uint64_t)(value.data[i] - '0');
	}
	if (!good)
		*anomalies |= HTTP_BAD_LENGTH;
	f->has_length = true;
	f->length = good ? length : 0;
}

/* The last coding of a list decides (RFC 9112 section 6.3). */
static void take_coding(struct http_text value, struct http_framing *f, unsigned int *anomalies)
{
	size_t at = value.n;

	while (at && value.data[at - 1] != ',')
		at--;
	if (f->has_coding || !is_any_case(value, "chunked"))
		*anomalies |= HTTP_BAD_CODING;
	f->has_coding = true;
	f->chunked =
		is_any_case(trim((struct http_text){value.data + at, value.n - at}), "chunked");
}

static void look_for_odd_bytes(struct http_text line, unsigned int *anomalies)
{
	for (size_t i = 0; i < line.n; i++) {
		bool end = i + 1 < line.n && line.data[i + 1] == '\n'; /* of a folded line */

		if (!line.data[i] || (line.data[i] == '\r' && !end))
			*anomalies |= HTTP_BAD_HEADER;
	}
}

void http_header_line(struct http_text line, struct http_framing *f, unsigned int *anomalies)
{
	const uint8_t *colon = line.n ? memchr(line.data, ':', line.n) : NULL;
	struct http_text name = line, value;

	look_for_odd_bytes(line, anomalies);
	if (colon)
		name.n = (size_t)(colon - line.data);
	if (!colon || !name.n || trim(name).n != name.n) {
		*anomalies |= HTTP_BAD_HEADER;
		if (!colon)
			return;
		name = trim(name);
	}
	value = trim((struct http_text){colon + 1, line.n - (size_t)(colon + 1 - line.data)});
	if (is_any_case(name, "content-length"))
		take_length(value, f, anomalies);
	else if (is_any_case(name, "transfer-encoding"))
		take_coding(value, f, anomalies);
	else if (is_any_case(name, "upgrade"))
		*anomalies |= HTTP_UPGRADE;
	if (f->has_length && f->has_coding)
		*anomalies |= HTTP_BOTH_LENGTHS;
}

bool http_chunk_size(struct http_text line, uint64_t *out)
{
	uint64_t size = 0;
	size_t i = 0;

	while (i < line.n && hex_of(line.data[i]) >= 0 && size < SIZE_MOST / 16)
		size = size << 4 | (uint64_t)hex_of(line.data[i++]);
	if (!i || (i < line.n && line.data[i] != ';' && !is_blank(line.data[i])))
		return false;
	*out = size;
	return true;
}
