/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes are read as requests, to the same end in one piece and byte by byte. */
#include "fw/http.h"

#include "fuzz.h"

struct sums {
	uint64_t targets, ends, body, headers;
	unsigned int anomalies;
};

static void on_target(uint64_t request, struct http_text method, struct http_text raw,
		      struct http_text target, unsigned int anomalies, void *cookie)
{
	struct sums *s = cookie;

	(void)anomalies;
	fuzz_expect(request == s->targets++, "requests in order");
	fuzz_expect(method.n && raw.n && raw.n <= HTTP_TARGET_MAX && target.n <= raw.n, "a target");
}

static void on_headers(uint64_t request, struct http_text raw, bool last, unsigned int anomalies,
		       void *cookie)
{
	struct sums *s = cookie;

	(void)request, (void)last, (void)anomalies;
	fuzz_expect(raw.n <= HTTP_HEADERS_MAX, "headers of some length");
	s->headers += raw.n;
}

static void on_body(uint64_t request, uint64_t offset, struct http_text data, void *cookie)
{
	(void)request, (void)offset;
	((struct sums *)cookie)->body += data.n;
}

static void on_end(uint64_t request, unsigned int anomalies, void *cookie)
{
	struct sums *s = cookie;

	fuzz_expect(request == s->ends++, "ends in order");
	s->anomalies |= anomalies;
}

static const struct http_ops ops = {on_target, on_headers, on_body, on_end};

static struct sums feed(const uint8_t *data, size_t size, size_t piece)
{
	struct sums s = {0};
	struct http *h = http_new(&ops, &s);

	for (size_t at = 0; at < size; at += piece)
		fuzz_expect(http_feed(h, data + at, piece < size - at ? piece : size - at) == 0,
			    "memory");
	http_free(h);
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sums whole = feed(data, size, size ? size : 1), bytes = feed(data, size, 1);

	fuzz_expect(whole.targets == bytes.targets && whole.ends == bytes.ends &&
			    whole.body == bytes.body && whole.headers == bytes.headers &&
			    whole.anomalies == bytes.anomalies,
		    "the same requests in any pieces");
	return 0;
}
