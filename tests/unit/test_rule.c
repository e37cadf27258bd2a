/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "common/rule.h"
#include "common/rule_proto.h"
#include "expect.h"
#include "random.h"
#include "same_rule.h"
#include "unit.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LONG_A HASH_A HASH_A /* 128 bytes */

static void canonical(void)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"-c OUTPUT -v DROP", "-c OUTPUT -v DROP"},
		{"-v ACCEPT -c FORWARD", "-c FORWARD -v ACCEPT"},
		{"\t -v  DROP\t-c INPUT ", "-c INPUT -v DROP"},
		{"--vrdct DROP --chain INPUT --not --src-ip 10.1.2.3/8 --dst-ip 10.2.3.4 --proto "
		 "tcp",
		 "-c INPUT -v DROP -! -s 10.0.0.0/8 -d 10.2.3.4/32 -p tcp"},
		{"-c INPUT -v DROP -d 2001:DB8::1/32", "-c INPUT -v DROP -d 2001:db8::/32"},
		{"--dport 1:65535 --sport 0 -v DROP -c INPUT",
		 "-c INPUT -v DROP --sport 0 --dport 1:65535"},
		{"--sport 80:80 -v DROP -c INPUT", "-c INPUT -v DROP --sport 80"},
		{"-! --anon-exec -v ACCEPT -c INPUT", "-c INPUT -v ACCEPT -! --anon-exec"},
		{"--anon-exec -v DROP -p udp -c INPUT", "-c INPUT -v DROP -p udp --anon-exec"},
		{"--agg-hash " HASH_A " -! --sng-hash " HASH_B " -c OUTPUT -v DROP",
		 "-c OUTPUT -v DROP -! --sng-hash " HASH_B " --agg-hash " HASH_A},
		{"-c OUTPUT -v DROP --sng-hash "
		 "ABCDEF0000000000000000000000000000000000000000000000000000ABCDEF",
		 "-c OUTPUT -v DROP --sng-hash "
		 "abcdef0000000000000000000000000000000000000000000000000000abcdef"},
		{"--script " HASH_A " -! --agg-hash " HASH_B " -c OUTPUT -v DROP",
		 "-c OUTPUT -v DROP -! --agg-hash " HASH_B " --script " HASH_A},
		{"-n net:[4026531840] -c OUTPUT -v DROP", "-c OUTPUT -v DROP -n net:[4026531840]"},
		{"-n net:[18446744073709551615] -c OUTPUT -v DROP",
		 "-c OUTPUT -v DROP -n net:[18446744073709551615]"},
		{"-p 6 -c OUTPUT -v DROP", "-c OUTPUT -v DROP -p tcp"},
		{"-p ipv6-icmp -c OUTPUT -v DROP", "-c OUTPUT -v DROP -p icmpv6"},
		{"-p 255 -c OUTPUT -v DROP", "-c OUTPUT -v DROP -p 255"},
		{"-p 0 -c OUTPUT -v DROP", "-c OUTPUT -v DROP -p 0"},
		{"-! -p icmp --dport 53 -c OUTPUT -v DROP",
		 "-c OUTPUT -v DROP -! -p icmp --dport 53"},
		{"-c OUTPUT -v DROP --note plain", "-c OUTPUT -v DROP --note \"plain\""},
		{"-c OUTPUT -v DROP --note \"two  words\"",
		 "-c OUTPUT -v DROP --note \"two  words\""},
		{"--note \"a \\\" and a \\\\\" -c OUTPUT -v DROP",
		 "-c OUTPUT -v DROP --note \"a \\\" and a \\\\\""},
		{"--note C:\\new -c OUTPUT -v DROP", "-c OUTPUT -v DROP --note \"C:\\\\new\""},
		{"--note pre\"in side\"post -c OUTPUT -v DROP",
		 "-c OUTPUT -v DROP --note \"prein sidepost\""},
		{"--note -v -c OUTPUT -v DROP", "-c OUTPUT -v DROP --note \"-v\""},
		{"--note \"\" -c OUTPUT -v DROP", "-c OUTPUT -v DROP"},
		{"--note \303\274ber -c OUTPUT -v DROP",
		 "-c OUTPUT -v DROP --note \"\303\274ber\""},
		{"--note " LONG_A " -c OUTPUT -v DROP", "-c OUTPUT -v DROP --note \"" LONG_A "\""},
		{"--set web-1.x -c OUTPUT -v DROP", "-c OUTPUT -v DROP --set web-1.x"},
		{"-! --set web -c OUTPUT -v ACCEPT", "-c OUTPUT -v ACCEPT -! --set web"},
		{"\"-c\" \"OUTPUT\" -v \"DR\"OP", "-c OUTPUT -v DROP"},
		{"--monitor --note x --expires 2026-11-21T06:00:00+01:30 -c OUTPUT -v DROP",
		 "-c OUTPUT -v DROP --monitor --expires 2026-11-21T04:30:00Z --note \"x\""},
		{"--monitor -p tcp -c INPUT -v ACCEPT", "-c INPUT -v ACCEPT -p tcp --monitor"},
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct rule_error err = {""};
		char text[RULE_TEXT_MAX];
		struct rule r;
		size_t n;

		if (!expect(rule_parse_text(rows[i].text, &r, &err) == 0, "%s: %s", rows[i].text,
			    err.text))
			continue;
		n = rule_format(&r, text);
		expect_text(rows[i].text, text, rows[i].want);
		expect_int("length", (long long)n, (long long)strlen(text));
	}
}

static void fields(void)
{
	struct rule_error err;
	struct rule r;

	CU_ASSERT_EQUAL(rule_parse_text("-c FORWARD -v DROP -! -s 10.0.0.0/8 -p udp --sport 5 "
					"-! --dport 6:7 -n net:[9] --note x --agg-hash " HASH_A,
					&r, &err),
			0);
	CU_ASSERT_EQUAL(r.chain, CHAIN_FORWARD);
	CU_ASSERT_EQUAL(r.verdict, VERDICT_DROP);
	CU_ASSERT_EQUAL(r.have, MATCH_BIT(MATCH_SRC) | MATCH_BIT(MATCH_PROTO) |
					MATCH_BIT(MATCH_SPORT) | MATCH_BIT(MATCH_DPORT) |
					MATCH_BIT(MATCH_NETNS) | MATCH_BIT(MATCH_AGG_HASH));
	CU_ASSERT_EQUAL(r.neg, MATCH_BIT(MATCH_SRC) | MATCH_BIT(MATCH_DPORT));
	CU_ASSERT_EQUAL(r.src.family, 4);
	CU_ASSERT_EQUAL(r.src.len, 8);
	CU_ASSERT_EQUAL(r.proto, 17);
	CU_ASSERT_EQUAL(r.sport.first, 5);
	CU_ASSERT_EQUAL(r.sport.last, 5);
	CU_ASSERT_EQUAL(r.dport.first, 6);
	CU_ASSERT_EQUAL(r.dport.last, 7);
	CU_ASSERT_EQUAL(r.netns, 9);
	CU_ASSERT_EQUAL(r.agg.b[31], 0xaa);
	expect_text("note", r.note, "x");
	CU_ASSERT_TRUE(rule_needs_objects(&r));
	CU_ASSERT_EQUAL(rule_parse_text("-c INPUT -v ACCEPT -s ::1", &r, &err), 0);
	CU_ASSERT_EQUAL(r.have, MATCH_BIT(MATCH_SRC));
	CU_ASSERT_EQUAL(r.neg, 0);
	CU_ASSERT_FALSE(rule_needs_objects(&r));
}

static void protocols(void)
{
	static const struct {
		const char *name;
		uint8_t number;
		bool ports;
	} rows[] = {{"tcp", 6, true},	   {"udp", 17, true},	     {"icmp", 1, false},
		    {"icmpv6", 58, false}, {"ipv6-icmp", 58, false}, {"sctp", 132, true},
		    {"dccp", 33, true},	   {"udplite", 136, true},   {"esp", 50, false},
		    {"ah", 51, false},	   {"gre", 47, false},	     {"igmp", 2, false},
		    {"ospf", 89, false},   {"ipcomp", 108, false},   {"vrrp", 112, false},
		    {"pim", 103, false},   {"l2tp", 115, false},     {"200", 200, false}};

	for (size_t i = 0; i < N(rows); i++) {
		const char *const plain[] = {"-c", "INPUT", "-v", "DROP", "-p", rows[i].name};
		const char *const ports[] = {"-c", "INPUT",	 "-v",	    "DROP",
					     "-p", rows[i].name, "--sport", "1"};
		struct rule_error err = {""};
		struct rule r;

		expect_int(rows[i].name, rule_parse(6, (char *const *)plain, &r, &err), 0);
		expect_int(rows[i].name, r.proto, rows[i].number);
		expect_int(rows[i].name, rule_parse(8, (char *const *)ports, &r, &err),
			   rows[i].ports ? 0 : -EINVAL);
		expect_int(rows[i].name, rule_proto_has_ports(rows[i].number), rows[i].ports);
	}
}

#define REST " -c INPUT -v DROP"

#define VERDICTS "ACCEPT, DROP, REJECT, KILL or MARK=0xVALUE[/0xMASK]"
#define MARKS	 "expected MARK=0xVALUE or MARK=0xVALUE/0xMASK, of up to 8 hexadecimal digits each"

static void messages(void)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"", "missing -c: expected INPUT, OUTPUT or FORWARD"},
		{"-v DROP", "missing -c: expected INPUT, OUTPUT or FORWARD"},
		{"-c INPUT", "missing -v: expected " VERDICTS},
		{"-c FOO", "-c FOO: expected INPUT, OUTPUT or FORWARD"},
		{"--chain \"\"", "--chain \"\": expected INPUT, OUTPUT or FORWARD"},
		{"-c ~\x7f!", "-c ~?!: expected INPUT, OUTPUT or FORWARD"},
		{"-v FOO", "-v FOO: expected " VERDICTS},
		{"-v drop", "-v drop: expected " VERDICTS},
		{"--origin Known", "--origin Known: expected known, kernel or unknown"},
		{"--uid root", "--uid root: expected a number 0..4294967295 or a range N:M"},
		{"--gid 4294967296",
		 "--gid 4294967296: expected a number 0..4294967295 or a range N:M"},
		{"--gid 5:", "--gid 5:: expected a number 0..4294967295 or a range N:M"},
		{"--uid 6:5", "--uid 6:5: expected a range N:M with N no greater than M"},
		{"--cgroup a", "--cgroup a: expected a path as in /proc/PID/cgroup"},
		{"--cgroup /a/", "--cgroup /a/: expected a path as in /proc/PID/cgroup"},
		{"--cgroup /a//b", "--cgroup /a//b: expected a path as in /proc/PID/cgroup"},
		{"--container 0123456789a",
		 "--container 0123456789a: expected 12 to 64 hexadecimal digits, in lower case"},
		{"--container 0123456789aG",
		 "--container 0123456789aG: expected 12 to 64 hexadecimal digits, in lower case"},
		{"--comm \"\"", "--comm \"\": expected 1 to 15 bytes, got 0"},
		{"--comm 0123456789abcdef",
		 "--comm 0123456789abcdef: expected 1 to 15 bytes, got 16"},
		{"--comm a\x01", "--comm a?: expected UTF-8 text without control characters"},
		{"-v MARK", "-v MARK: expected " VERDICTS},
		{"-v MARK=", "-v MARK=: " MARKS},
		{"-v MARK=1", "-v MARK=1: " MARKS},
		{"-v MARK=0x", "-v MARK=0x: " MARKS},
		{"-v MARK=0x123456789", "-v MARK=0x123456789: " MARKS},
		{"-v MARK=0x1/", "-v MARK=0x1/: " MARKS},
		{"-v MARK=0x1/f", "-v MARK=0x1/f: " MARKS},
		{"-v MARK=0x1/0xg", "-v MARK=0x1/0xg: " MARKS},
		{"-v MARK=0x1/0x1/", "-v MARK=0x1/0x1/: " MARKS},
		{"-v MARK=0x-1", "-v MARK=0x-1: " MARKS},
		{"-v REJECT=0x1", "-v REJECT=0x1: expected " VERDICTS},
		{"-! -c INPUT", "-! -c: expected a match after -!"},
		{"-! --vrdct DROP", "-! --vrdct: expected a match after -!"},
		{"--not --note x", "-! --note: expected a match after -!"},
		{"-! -! -s ::1", "-! -!: expected a match after -!"},
		{"-!", "-!: expected a match after it"},
		{"-c INPUT -v DROP -!", "-!: expected a match after it"},
		{"-! foo", "foo: expected an option of a rule"},
		{"foo" REST, "foo: expected an option of a rule"},
		{"\"\"" REST, "\"\": expected an option of a rule"},
		{"-c INPUT -c INPUT", "-c: option given twice: expected once"},
		{"-s ::1 --src-ip ::1", "--src-ip: option given twice: expected once"},
		{"-s ::1 -! -s ::1", "-s: option given twice: expected once"},
		{"-c", "-c: expected a value after it"},
		{"-c INPUT -v", "-v: expected a value after it"},
		{"-! --dport", "--dport: expected a value after it"},
		{"-s 10.0.0.0/33" REST, "-s 10.0.0.0/33: expected a prefix length 0..32"},
		{"-d ::/129" REST, "-d ::/129: expected a prefix length 0..128"},
		{"--dst-ip host" REST,
		 "--dst-ip host: expected an IPv4 or IPv6 address, or ADDR/LEN"},
		{"-s 10.0.0.0/8 -d ::1" REST,
		 "-s 10.0.0.0/8 -d ::1/128: expected addresses of one family"},
		{"-p foo" REST, "-p foo: expected a number 0..255 or a name such as tcp, udp, "
				"icmp, icmpv6, sctp, gre or "
				"esp"},
		{"--dport 65536" REST, "--dport 65536: expected a port 0..65535 or a range N:M"},
		{"--sport 2:1" REST, "--sport 2:1: expected a range N:M with N no greater than M"},
		{"-p icmp --dport 80" REST, "--dport: protocol icmp has no ports: expected -p tcp, "
					    "udp, udplite, sctp or dccp"},
		{"-p 58 --sport 80" REST, "--sport: protocol icmpv6 has no ports: expected -p tcp, "
					  "udp, udplite, sctp or dccp"},
		{"-p 200 -! --sport 80" REST,
		 "--sport: protocol 200 has no ports: expected -p tcp, "
		 "udp, udplite, sctp or dccp"},
		{"-n net:[0]" REST,
		 "-n net:[0]: expected net:[INODE], as a link in /proc/PID/ns shows it"},
		{"--script x.py" REST, "--script x.py: expected 64 hexadecimal digits, got 4"},
		{"--sng-hash abc" REST, "--sng-hash abc: expected 64 hexadecimal digits, got 3"},
		{"--agg-hash " HASH_A "a" REST,
		 "--agg-hash aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…: "
		 "expected 64 hexadecimal digits, got 65"},
		{"--sng-hash xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" REST,
		 "--sng-hash xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…: "
		 "expected 64 hexadecimal digits, got other characters"},
		{"--note x" LONG_A REST, "--note xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…: "
					 "expected at most 128 bytes, got 129"},
		{"--note \"a\nb\"" REST,
		 "--note a?b: expected UTF-8 text without control characters"},
		{"--note \xff" REST, "--note ?: expected UTF-8 text without control characters"},
		{"--note \"never closed" REST,
		 "never closed -c INPUT -v DROP: expected a closing \""},
		{"--note \"a\\nb\"" REST, "a \\ in quotes: expected \\\" or \\\\"},
		{"--note \"a\\", "a \\ in quotes: expected \\\" or \\\\"},
		{"--expires tomorrow" REST,
		 "--expires tomorrow: expected a time such as 2026-12-31T23:59:59Z"},
		{"--expires 2026-11-31T00:00:00Z" REST,
		 "--expires 2026-11-31T00:00:00Z: expected a time such as 2026-12-31T23:59:59Z"},
		{"--expires 1970-01-01T00:00:00Z" REST,
		 "--expires 1970-01-01T00:00:00Z: expected a time such as 2026-12-31T23:59:59Z"},
		{"--expires +1h" REST,
		 "--expires +1h: expected a time such as 2026-12-31T23:59:59Z"},
		{"--expires", "--expires: expected a value after it"},
		{"--monitor --monitor" REST, "--monitor: option given twice: expected once"},
		{"-! --monitor" REST, "-! --monitor: expected a match after -!"},
		{"-! --expires x" REST, "-! --expires: expected a match after -!"},
		{"--monitor yes" REST, "yes: expected an option of a rule"},
		{"--set a/b" REST, "--set a/b: expected 1 to 32 letters, digits, '.', '_' and '-', "
				   "a letter or digit first"},
		{"--set \"\"" REST,
		 "--set \"\": expected 1 to 32 letters, digits, '.', '_' and '-', "
		 "a letter or digit first"},
		{"-c INPUT\n-v DROP", "-c INPUT?-v: expected INPUT, OUTPUT or FORWARD"},
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct rule_error err = {""};
		struct rule r;

		expect_int(rows[i].text, rule_parse_text(rows[i].text, &r, &err), -EINVAL);
		expect_text(rows[i].text, err.text, rows[i].want);
	}
}

static void widths(void)
{
	static const struct {
		const char *word;
		int width;
	} rows[] = {
		{"-s", 2},	    {"--src-ip", 2},
		{"-d", 2},	    {"--dst-ip", 2},
		{"-p", 2},	    {"--proto", 2},
		{"--sport", 2},	    {"--dport", 2},
		{"--sng-hash", 2},  {"--agg-hash", 2},
		{"--anon-exec", 1}, {"--script", 2},
		{"--set", 2},	    {"-n", 2},
		{"-c", 2},	    {"--chain", 2},
		{"-v", 2},	    {"--vrdct", 2},
		{"--note", 2},	    {"-!", 1},
		{"--not", 1},	    {"", 0},
		{"-", 0},	    {"--", 0},
		{"-A", 0},	    {"--json", 0},
		{"-ss", 0},	    {"--spor", 0},
		{"--sports", 0},    {"s", 0},
		{"OUTPUT", 0},	    {"--object", 0},
		{"-L", 0},	    {"--sng-hash=a", 0},
		{"-C", 0},
	};

	for (size_t i = 0; i < N(rows); i++)
		expect_int(rows[i].word, rule_option_width(rows[i].word), rows[i].width);
}

static void longest_fits(void)
{
	struct rule r = {
		.chain = CHAIN_FORWARD,
		.verdict = VERDICT_MARK,
		.mark = {UINT32_MAX, UINT32_MAX - 1},
		.have = MATCH_BIT(MATCH_COUNT) - 1,
		.neg = MATCH_BIT(MATCH_COUNT) - 1,
		.src = {6, 128, {0}},
		.dst = {6, 128, {0}},
		.proto = 136,
		.sport = {65534, 65535},
		.dport = {65534, 65535},
		.netns = UINT64_MAX,
		.origin = ORIGIN_UNKNOWN,
		.uid = {UINT32_MAX - 1, UINT32_MAX},
		.gid = {UINT32_MAX - 1, UINT32_MAX},
		.monitor = true,
		.expires_s = INSTANT_MAX,
	};
	char text[RULE_TEXT_MAX], again[RULE_TEXT_MAX];
	struct rule_error err = {""};
	struct rule back;
	size_t n;

	memset(r.src.addr, 0xff, sizeof(r.src.addr));
	memset(r.dst.addr, 0xff, sizeof(r.dst.addr));
	memset(r.note, '\\', RULE_NOTE_MAX);
	memset(r.set, 'x', SET_NAME_MAX);
	memset(r.comm, '"', RULE_COMM_MAX);
	memset(r.cgroup, '"', RULE_CGROUP_MAX);
	r.cgroup[0] = '/';
	memset(r.container, 'f', RULE_CONTAINER_MAX);
	n = rule_format(&r, text);
	CU_ASSERT_EQUAL(n, strlen(text));
	CU_ASSERT(n < RULE_TEXT_MAX - 1);
	expect(rule_parse_text(text, &back, &err) == 0, "%s: %s", text, err.text);
	rule_format(&back, again);
	expect_text("longest", again, text);
}

/* However many words there are, the error is about the first that is wrong. */
static void endless_text(void)
{
	static char text[100000];
	struct rule_error err;
	struct rule r;

	memset(text, ' ', sizeof(text) - 1);
	memcpy(text + sizeof(text) - 19, "-v DROP -c INPUT  ", 18);
	expect_int("blanks", rule_parse_text(text, &r, &err), 0);
	for (size_t i = 0; i + 3 < sizeof(text); i += 3)
		memcpy(text + i, "-! ", 3);
	expect_int("-! for ever", rule_parse_text(text, &r, &err), -EINVAL);
	expect_text("-! for ever", err.text, "-! -!: expected a match after -!");
	memset(text, 'x', sizeof(text) - 1);
	expect_int("one word", rule_parse_text(text, &r, &err), -EINVAL);
	expect_text("one word", err.text,
		    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…: expected an option of a rule");
	memset(text, '"', sizeof(text) - 1);
	expect_int("quotes", rule_parse_text(text, &r, &err), -EINVAL);
}

/* --- Random rules ---------------------------------------------------------------------------- */

static struct cidr random_cidr(struct rng *rng, uint8_t family)
{
	struct cidr c = {.family = family};

	c.len = (uint8_t)rng_below(rng, family == 4 ? 33 : 129);
	for (unsigned int i = 0; i < c.len; i++)
		if (rng_below(rng, 2))
			c.addr[i / 8] |= (uint8_t)(0x80 >> i % 8);
	return c;
}

static struct port_range random_ports(struct rng *rng)
{
	uint16_t a = (uint16_t)rng_next(rng), b = rng_below(rng, 2) ? a : (uint16_t)rng_next(rng);

	return a < b ? (struct port_range){a, b} : (struct port_range){b, a};
}

static struct id_range random_ids(struct rng *rng)
{
	uint32_t a = (uint32_t)rng_next(rng), b = rng_below(rng, 2) ? a : (uint32_t)rng_next(rng);

	return a < b ? (struct id_range){a, b} : (struct id_range){b, a};
}

static void random_note(struct rng *rng, char *note)
{
	static const char *const pieces[] = {"a",  "Z",	 " ", "  ", "\"",	"\\",
					     "-!", "-c", "'", "$",  "\303\274", "\xf0\x9f\x98\x80",
					     ":",  "~"};
	size_t n = 0;

	while (rng_below(rng, 12)) {
		const char *piece = pieces[rng_below(rng, N(pieces))];

		if (n + strlen(piece) > RULE_NOTE_MAX)
			break;
		strcpy(note + n, piece);
		n += strlen(piece);
	}
}

static struct rule random_rule(struct rng *rng)
{
	static const uint8_t with_ports[] = {6, 17, 33, 132, 136};
	const uint32_t ports = MATCH_BIT(MATCH_SPORT) | MATCH_BIT(MATCH_DPORT);
	const uint8_t family = rng_below(rng, 2) ? 4 : 6;
	struct rule r = {0};

	r.chain = (enum chain)rng_below(rng, CHAIN_COUNT);
	r.verdict = (enum verdict)rng_below(rng, VERDICT_COUNT);
	if (r.verdict == VERDICT_MARK)
		r.mark = (struct mark){(uint32_t)rng_next(rng) >> rng_below(rng, 32),
				       (uint32_t)rng_next(rng) >> rng_below(rng, 32)};
	r.have = (uint32_t)rng_below(rng, MATCH_BIT(MATCH_COUNT));
	r.neg = r.have & (uint32_t)rng_next(rng);
	if (r.have & MATCH_BIT(MATCH_SRC))
		r.src = random_cidr(rng, family);
	if (r.have & MATCH_BIT(MATCH_DST))
		r.dst = random_cidr(rng, family);
	if (r.have & MATCH_BIT(MATCH_PROTO))
		r.proto = r.have & ~r.neg & MATCH_BIT(MATCH_PROTO) && r.have & ports
				  ? with_ports[rng_below(rng, N(with_ports))]
				  : (uint8_t)rng_next(rng);
	if (r.have & MATCH_BIT(MATCH_SPORT))
		r.sport = random_ports(rng);
	if (r.have & MATCH_BIT(MATCH_DPORT))
		r.dport = random_ports(rng);
	if (r.have & MATCH_BIT(MATCH_NETNS))
		r.netns = (rng_next(rng) >> rng_below(rng, 64)) + 1;
	for (size_t i = 0; i < SHA256_LEN; i++) {
		if (r.have & MATCH_BIT(MATCH_SNG_HASH))
			r.sng.b[i] = (uint8_t)rng_next(rng);
		if (r.have & MATCH_BIT(MATCH_AGG_HASH))
			r.agg.b[i] = (uint8_t)rng_next(rng);
		if (r.have & MATCH_BIT(MATCH_SCRIPT))
			r.script.b[i] = (uint8_t)rng_next(rng);
	}
	if (r.have & MATCH_BIT(MATCH_ORIGIN))
		r.origin = (enum origin)rng_below(rng, ORIGIN_COUNT);
	if (r.have & MATCH_BIT(MATCH_UID))
		r.uid = random_ids(rng);
	if (r.have & MATCH_BIT(MATCH_GID))
		r.gid = random_ids(rng);
	if (r.have & MATCH_BIT(MATCH_CGROUP))
		strcpy(r.cgroup, rng_below(rng, 2) ? "/" : "/a b/c\"d");
	if (r.have & MATCH_BIT(MATCH_CONTAINER))
		strcpy(r.container, "0123456789abcdef");
	if (r.have & MATCH_BIT(MATCH_COMM))
		strcpy(r.comm, rng_below(rng, 2) ? "tmux: server" : "a\"b\\c");
	if (r.have & MATCH_BIT(MATCH_SET))
		snprintf(r.set, sizeof(r.set), "s%u", (unsigned int)rng_below(rng, 1000));
	random_note(rng, r.note);
	return r;
}

static bool round_trips(const struct rule *r)
{
	char text[RULE_TEXT_MAX], again[RULE_TEXT_MAX];
	struct rule_error err = {""};
	struct rule back;

	rule_format(r, text);
	if (!expect(rule_parse_text(text, &back, &err) == 0, "%s: %s", text, err.text))
		return false;
	if (!expect(same_rule(r, &back), "%s reads as another rule", text))
		return false;
	rule_format(&back, again);
	return expect_text("formatted again", again, text);
}

static void random_round_trip(void)
{
	struct rng rng = rng_new();

	for (int n = 0; n < 50000; n++) {
		struct rule r = random_rule(&rng);

		if (!round_trips(&r))
			return;
	}
}

static void mutate(struct rng *rng, char *text)
{
	static const char likely[] = " \t\"\\-!:/[]09afgcsvpn.\n\x80\xc3\x7f";

	for (uint64_t n = 1 + rng_below(rng, 3); n > 0; n--) {
		size_t len = strlen(text), at = rng_below(rng, len + 1);
		char c = likely[rng_below(rng, sizeof(likely) - 1)];

		switch (rng_below(rng, 3)) {
		case 0:
			if (at < len)
				text[at] = c;
			break;
		case 1:
			if (at < len)
				memmove(text + at, text + at + 1, len - at);
			break;
		default:
			memmove(text + at + 1, text + at, len - at + 1);
			text[at] = c;
		}
	}
}

/* Damaged text is refused with a message or read as a rule like any other. */
static void random_damage(void)
{
	struct rng rng = rng_new();
	unsigned int refused = 0;

	for (int n = 0; n < 50000; n++) {
		struct rule r = random_rule(&rng), back;
		char text[RULE_TEXT_MAX + 8];
		struct rule_error err = {""};

		rule_format(&r, text);
		mutate(&rng, text);
		memset(&back, 0x5a, sizeof(back));
		if (rule_parse_text(text, &back, &err) == 0) {
			if (!round_trips(&back))
				return;
			continue;
		}
		refused++;
		expect(*err.text, "%s: no message", text);
		expect(back.have == 0x5a5a5a5a, "%s: output changed", text);
	}
	expect(refused > 10000 && refused < 50000, "%u of 50000 refused", refused);
}

static const struct unit_test tests[] = {
	{"any order and synonym gives the canonical text", canonical},
	{"each option lands in its field", fields},
	{"protocols by name and number, and which have ports", protocols},
	{"errors name the word and what was expected", messages},
	{"option widths", widths},
	{"the longest rule fits", longest_fits},
	{"text of any length", endless_text},
	{"random rules survive their text", random_round_trip},
	{"damaged text is refused or is a rule", random_damage},
};
UNIT_SUITE("common/rule", tests)
