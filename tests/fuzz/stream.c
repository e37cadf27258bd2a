/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any segments: bytes are handed on in order, of a bounded table. Eight bytes make a segment:
 * flags, flow and way, sequence number, acknowledgement, what its bytes are, and how many. */
#include "fw/stream.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

struct seen {
	uint64_t due[2];
};

static struct seen *seen_of(struct stream *s)
{
	struct seen *o = stream_user(s);

	if (!o) {
		o = calloc(1, sizeof(*o));
		stream_set_user(s, o);
	}
	return o;
}

static void on_bytes(struct stream *s, enum stream_way way, uint64_t offset, const uint8_t *data,
		     size_t n, void *cookie)
{
	struct seen *o = seen_of(s);

	(void)cookie;
	fuzz_expect(n > 0 && offset == o->due[way], "the next bytes");
	fuzz_expect(!stream_is_condemned(s), "nothing of a condemned flow");
	o->due[way] += n;
	for (size_t i = 0; i < n; i++) {
		if (data[i] == 0xee)
			stream_condemn(s);
		if (data[i] == 0xdd)
			stream_finish(s, way);
	}
}

static void on_gap(struct stream *s, enum stream_way way, uint64_t offset, uint64_t n, void *cookie)
{
	struct seen *o = seen_of(s);

	(void)cookie;
	fuzz_expect(n > 0 && offset == o->due[way], "the next gap");
	o->due[way] += n;
}

static void on_gone(struct stream *s, void *user, void *cookie)
{
	(void)s, (void)cookie;
	free(user);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct stream_ops ops = {on_bytes, on_gap, on_gone};
	static const struct stream_limits limits = {
		.flows = 3, .memory = 400000, .depth = 200000, .window = 65536, .idle_ns = 1000};
	static const uint64_t seed[2] = {1, 2};
	struct streams *t = streams_new(&limits, seed, &ops, NULL);
	uint64_t now = 1;

	for (; size >= 8; data += 8, size -= 8, now++) {
		uint8_t payload[4096];
		size_t n = (size_t)data[7] * 16 & 0xfff;
		bool back = data[1] & 1;
		uint16_t port = 1000 + (data[1] >> 1 & 3);
		struct packet p = {.family = 4,
				   .proto = 6,
				   .has_proto = true,
				   .has_ports = true,
				   .has_tcp = true,
				   .sport = back ? 80 : port,
				   .dport = back ? port : 80,
				   .tcp_flags = data[0],
				   .tcp_seq = (uint32_t)(data[2] << 8 | data[3]) - 1000,
				   .tcp_ack = (uint32_t)(data[4] << 8 | data[5]) - 1000};
		enum stream_result r;
		struct stream *s;

		n = data[7] < 16 ? data[7] : n;
		p.payload_length = (uint32_t)n;
		memset(payload, data[6], n);
		r = streams_segment(t, 0, &p, payload, now, &s);
		fuzz_expect(r < STREAM_RESULTS, "a result");
		fuzz_expect(r != STREAM_CONFLICT || stream_is_condemned(s), "condemned");
		fuzz_expect(streams_count(t) <= 3 && streams_memory(t) <= limits.memory, "bounds");
	}
	streams_free(t);
	return 0;
}
