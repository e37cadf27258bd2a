/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "fw/inspect.h"
#include "sigs.h"
#include "unit.h"

#define FIN 1
#define SYN 2
#define ACK 16

static const enum verdict policies[CHAIN_COUNT];
static struct stats stats;
static struct holders nobody = {.origin = ORIGIN_UNKNOWN};

/* A firewall with these signatures, and what it has last said. */
struct bench {
	struct inspect *in;
	struct ruleset *rules;
	const struct holders *who;
	struct inspection said;
	bool monitor;
	uint32_t copied; /* bytes of each packet; 0: all */
};

static bool use(struct bench *b, const char *text)
{
	struct sig_set *s = sigs(text);

	inspect_use(b->in, s);
	sig_set_unref(s);
	return s != NULL;
}

static bool begin(struct bench *b, const char *text, bool closed)
{
	const bool modes[CHAIN_COUNT] = {closed, closed, closed};

	memset(&stats, 0, sizeof(stats));
	*b = (struct bench){.who = &nobody};
	b->rules = ruleset_new(policies, policies, policies);
	expect_int("new", inspect_new(&stream_limits_default, modes, &stats, &b->in), 0);
	return use(b, text);
}

static void end(struct bench *b)
{
	inspect_free(b->in);
	ruleset_unref(b->rules);
}

static uint16_t sum16(const uint8_t *data, size_t n, uint32_t sum)
{
	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)data[i] << 8 | data[i + 1];
	if (n % 2)
		sum += (uint32_t)data[n - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void put16(uint8_t *to, unsigned int v)
{
	to[0] = (uint8_t)(v >> 8);
	to[1] = (uint8_t)v;
}

static void put32(uint8_t *to, uint32_t v)
{
	put16(to, v >> 16);
	put16(to + 2, v & 0xffff);
}

/* A segment between 10.0.0.1:4000 and 10.0.0.2:80; what becomes of it. wrong: its checksum is. */
static enum verdict segment(struct bench *b, bool up, uint32_t seq, uint32_t ack, uint8_t flags,
			    const char *text, bool wrong)
{
	uint8_t p[2048] = {0x45, 0, 0, 0, 0, 1, 0, 0, 64, 6};
	size_t n = 40 + strlen(text);
	struct queue_packet q = {.head = p, .head_len = (uint32_t)n, .unverified = true};
	struct inspect_about about = {.chain = CHAIN_INPUT,
				      .packet = &q,
				      .holders = b->who,
				      .rules = b->rules,
				      .now_ns = 1000000000,
				      .enforced = !b->monitor};

	put16(p + 2, (unsigned int)n);
	memcpy(p + 12, up ? "\x0a\0\0\1\x0a\0\0\2" : "\x0a\0\0\2\x0a\0\0\1", 8);
	put16(p + 20, up ? 4000 : 80);
	put16(p + 22, up ? 80 : 4000);
	put32(p + 24, seq);
	put32(p + 28, ack);
	p[32] = 5 << 4;
	p[33] = flags;
	put16(p + 34, 65535);
	memcpy(p + 40, text, n - 40);
	put16(p + 36, (uint16_t)~sum16(p + 20, n - 20, sum16(p + 12, 8, 6 + (uint32_t)n - 20)) ^
			      (unsigned int)wrong);
	if (b->copied && b->copied < n)
		q.head_len = b->copied;
	packet_parse(p, q.head_len, n, &q.packet);
	inspect_packet(b->in, &about, &b->said);
	return b->said.verdict;
}

static void shake_hands(struct bench *b)
{
	CU_ASSERT(segment(b, true, 99, 0, SYN, "", false) == VERDICT_ACCEPT);
	CU_ASSERT(segment(b, false, 499, 100, SYN | ACK, "", false) == VERDICT_ACCEPT);
	CU_ASSERT(segment(b, true, 100, 500, ACK, "", false) == VERDICT_ACCEPT);
}

static enum verdict up(struct bench *b, uint32_t at, const char *text)
{
	return segment(b, true, 100 + at, 500, ACK, text, false);
}

#define DROP_EVIL "drop tcp any any -> any 80 (content:\"evil\"; sid:1;)\n"

static void condemns(void)
{
	struct bench b;

	if (!begin(&b, DROP_EVIL, false))
		return;
	shake_hands(&b);
	CU_ASSERT(up(&b, 0, "..ev") == VERDICT_ACCEPT && b.said.wants);
	CU_ASSERT(up(&b, 4, "il..") == VERDICT_DROP);
	CU_ASSERT(b.said.cause == INSPECT_SIGNATURE && b.said.n_hits == 1);
	CU_ASSERT(b.said.n_hits && b.said.hits[0].rule->sid == 1 && b.said.hits[0].rule->hits == 1);
	CU_ASSERT(up(&b, 4, "il..") == VERDICT_DROP && b.said.cause == INSPECT_CONDEMNED);
	CU_ASSERT(up(&b, 4, "xx..") == VERDICT_DROP && up(&b, 8, "fine") == VERDICT_DROP);
	CU_ASSERT(segment(&b, false, 500, 104, ACK, "answer", false) == VERDICT_DROP);
	expect_int("hits", (long long)stats.counter[COUNT_SIGNATURE_HIT], 1);
	end(&b);
}

static void only_watches(void)
{
	struct bench b;

	if (!begin(&b, DROP_EVIL, false))
		return;
	b.monitor = true;
	shake_hands(&b);
	CU_ASSERT(up(&b, 0, "evil") == VERDICT_DROP && b.said.n_hits == 1); /* said, not done: */
	CU_ASSERT(up(&b, 4, "more") == VERDICT_ACCEPT);
	use(&b, "alert tcp any any -> any 80 (content:\"more\"; sid:2;)");
	CU_ASSERT(up(&b, 8, "more") == VERDICT_ACCEPT && b.said.n_hits == 1);
	CU_ASSERT(up(&b, 8, "m0re") == VERDICT_ACCEPT); /* all of them only alert */
	end(&b);
}

static void distrusts(void)
{
	struct bench b;

	if (!begin(&b, DROP_EVIL, false))
		return;
	shake_hands(&b);
	CU_ASSERT(segment(&b, true, 100, 500, ACK, "junk", true) == VERDICT_DROP);
	CU_ASSERT(b.said.cause == INSPECT_OUTSIDE);
	CU_ASSERT(up(&b, 0, "text") == VERDICT_ACCEPT);
	CU_ASSERT(up(&b, 0, "tex") == VERDICT_ACCEPT);
	CU_ASSERT(up(&b, 1, "EXT") == VERDICT_DROP && b.said.cause == INSPECT_CONFLICT);
	CU_ASSERT(up(&b, 4, "more") == VERDICT_DROP);
	end(&b);
}

/* What was not copied passes, or not, as the chain has it. */
static void fails(void)
{
	struct bench b;

	for (int closed = 0; closed < 2; closed++) {
		if (!begin(&b, DROP_EVIL, closed))
			return;
		shake_hands(&b);
		b.copied = 44;
		CU_ASSERT(up(&b, 0, "longer than that") ==
			  (closed ? VERDICT_DROP : VERDICT_ACCEPT));
		expect_int("not looked at", (long long)stats.counter[COUNT_NOT_INSPECTED], 1);
		end(&b);
	}
}

static void wants(void)
{
	struct bench b;

	if (!begin(&b, "depth 8\n" DROP_EVIL, false))
		return;
	shake_hands(&b);
	CU_ASSERT(up(&b, 0, "12345678") == VERDICT_ACCEPT && b.said.wants);
	CU_ASSERT(segment(&b, false, 500, 108, ACK, "12345678", false) == VERDICT_ACCEPT);
	CU_ASSERT(segment(&b, true, 108, 508, ACK, "evil", false) == VERDICT_ACCEPT);
	CU_ASSERT(!b.said.wants); /* all that is to be looked at was, and is acknowledged */
	inspect_use(b.in, NULL);
	CU_ASSERT(up(&b, 12, "evil") == VERDICT_ACCEPT && !b.said.wants);
	end(&b);
}

static void tls(void)
{
	struct bench b;

	if (!begin(&b,
		   DROP_EVIL
		   "alert tcp any any -> any any (flow:to_client; content:\"evil\"; sid:2;)",
		   false))
		return;
	shake_hands(&b);
	CU_ASSERT(up(&b, 0,
		     "\x16\x03\x01\x01\x02\x01"
		     "evil") == VERDICT_DROP); /* one side may lie */
	end(&b);
	if (!begin(&b, DROP_EVIL, false))
		return;
	shake_hands(&b);
	/* A zero byte would end the text: the lengths of these records have none. */
	CU_ASSERT(up(&b, 0, "\x16\x03\x01\x01\x02\x01..") == VERDICT_ACCEPT);
	end(&b);
}

/* What becomes of the content, sent by who has, or has not, that object mapped. */
static enum verdict from(const char *limit, const char *hex, struct objset *objects)
{
	struct holders who = {.origin = ORIGIN_KNOWN, .n = 1};
	enum verdict v = VERDICT_COUNT;
	char text[256];
	struct bench b;

	who.h[0].objects = objects;
	snprintf(text, sizeof(text),
		 "drop tcp any any -> any 80 (content:\"evil\"; app_hash:%s%s; sid:1;)", limit,
		 hex);
	if (!begin(&b, text, false))
		return v;
	if (objects)
		b.who = &who;
	shake_hands(&b);
	v = up(&b, 0, "evil");
	end(&b);
	return v;
}

static void identities(void)
{
	struct objset_item item = {.path = "/x"};
	struct objset *has, *other;
	char hex[SHA256_HEX_LEN + 1];

	other = objset_new(&item, 1, true);
	memset(&item.digest, 7, sizeof(item.digest));
	hex_format_sha256(&item.digest, hex);
	has = objset_new(&item, 1, true);
	if (has && other) {
		CU_ASSERT(from("", hex, has) == VERDICT_DROP);
		CU_ASSERT(from("", hex, other) == VERDICT_ACCEPT);
		CU_ASSERT(from("", hex, NULL) == VERDICT_ACCEPT); /* whose it is, is unknown */
		CU_ASSERT(from("!", hex, has) == VERDICT_ACCEPT);
		CU_ASSERT(from("!", hex, other) == VERDICT_DROP);
		CU_ASSERT(from("!", hex, NULL) == VERDICT_DROP);
	}
	objset_unref(has);
	objset_unref(other);
}

static const struct unit_test tests[] = {
	{"what a signature drops condemns its connection", condemns},
	{"in monitor mode, and with alerts only, all passes", only_watches},
	{"wrong checksums, and bytes that contradict others", distrusts},
	{"what cannot be looked at goes by the fail mode", fails},
	{"when a flow needs not be seen any more", wants},
	{"TLS is what both sides say is", tls},
	{"signatures for some programs", identities},
};
UNIT_SUITE("fw/inspect", tests)
