/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "fw/learn.h"
#include "random.h"
#include "unit.h"

#define SYN 0x02
#define ACK 0x10

#define PROGRAMS 12

static struct objset sets[PROGRAMS]; /* the program of set i has a digest that begins with i + 1 */
static struct objset unclear = {.complete = false};

static void build_sets(void)
{
	for (int i = 0; i < PROGRAMS; i++)
		sets[i] = (struct objset){.complete = true,
					  .has_program = true,
					  .program = {{(uint8_t)(i + 1)}},
					  .program_path = "/bin/program"};
}

/* The programs by number; -1: not all of it is known. */
static struct holders held_by(const int *programs, size_t n)
{
	struct holders h = {.origin = ORIGIN_KNOWN, .n = n};

	for (size_t i = 0; i < n; i++)
		h.h[i].objects = programs[i] < 0 ? &unclear : &sets[programs[i]];
	return h;
}

static struct holders held_by_first(void)
{
	return held_by((const int[]){0}, 1);
}

static void set_addr(const char *text, struct packet *p, uint8_t out[16])
{
	p->family = strchr(text, ':') ? 6 : 4;
	CU_ASSERT_EQUAL_FATAL(inet_pton(p->family == 4 ? AF_INET : AF_INET6, text, out), 1);
}

static struct packet packet(uint8_t proto, const char *from, uint16_t sport, const char *to,
			    uint16_t dport, uint8_t flags)
{
	struct packet p = {.proto = proto,
			   .has_proto = true,
			   .has_ports = proto != IPPROTO_ICMP,
			   .sport = sport,
			   .dport = dport,
			   .tcp_flags = flags};

	set_addr(from, &p, p.saddr);
	set_addr(to, &p, p.daddr);
	return p;
}

static struct learn *begin(void)
{
	struct learn *l = learn_new(32768, 60999);

	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	build_sets();
	return l;
}

static void see(struct learn *l, enum chain chain, struct packet p)
{
	struct holders who = held_by_first();

	learn_packet(l, chain, &p, &who, false, true);
}

static const char *const ways[] = {"to", "from", "bare"};

/* "OUTPUT 6 to 80 10.0.0.2 x3", one after the other. */
static void tell(const struct learn *l, char out[512])
{
	const struct learn_entry *e;
	size_t n = learn_entries(l, &e);
	char addr[INET6_ADDRSTRLEN];

	*out = '\0';
	for (size_t i = 0; i < n; i++) {
		inet_ntop(e[i].family == 4 ? AF_INET : AF_INET6, e[i].addr, addr, sizeof(addr));
		sprintf(out + strlen(out), "%s%s %u %s %u %s x%llu", i ? "; " : "",
			chain_name(e[i].chain), e[i].proto, ways[e[i].way], e[i].port, addr,
			(unsigned long long)learn_packets(&e[i]));
	}
}

static void expect_learned(const struct learn *l, const char *want)
{
	char got[512];

	tell(l, got);
	expect_text("learned", got, want);
}

#define US   "10.0.0.1"
#define THEM "10.0.0.2"

static void tcp_goes_by_who_sent_the_syn(void)
{
	struct learn *l = begin();

	/* We begin, with ports that say nothing: both are of those that clients are given. */
	see(l, CHAIN_OUTPUT, packet(IPPROTO_TCP, US, 40000, THEM, 50000, SYN));
	see(l, CHAIN_INPUT, packet(IPPROTO_TCP, THEM, 50000, US, 40000, SYN | ACK));
	see(l, CHAIN_OUTPUT, packet(IPPROTO_TCP, US, 40000, THEM, 50000, ACK));
	see(l, CHAIN_INPUT, packet(IPPROTO_TCP, THEM, 50000, US, 40000, ACK));
	expect_learned(l, "OUTPUT 6 to 50000 " THEM " x2; INPUT 6 from 50000 " THEM " x2");
	learn_free(l);

	/* They begin, from a port lower than ours. */
	l = begin();
	see(l, CHAIN_INPUT, packet(IPPROTO_TCP, THEM, 700, US, 8080, SYN));
	see(l, CHAIN_OUTPUT, packet(IPPROTO_TCP, US, 8080, THEM, 700, SYN | ACK));
	see(l, CHAIN_INPUT, packet(IPPROTO_TCP, THEM, 700, US, 8080, ACK));
	see(l, CHAIN_OUTPUT, packet(IPPROTO_TCP, US, 8080, THEM, 700, ACK));
	expect_learned(l, "INPUT 6 to 8080 " THEM " x2; OUTPUT 6 from 8080 " THEM " x2");
	learn_free(l);
}

static void another_client_port_is_nothing_new(void)
{
	struct learn *l = begin();

	for (uint16_t port = 40000; port < 40100; port++) {
		see(l, CHAIN_OUTPUT, packet(IPPROTO_TCP, US, port, THEM, 80, SYN));
		see(l, CHAIN_INPUT, packet(IPPROTO_TCP, THEM, 80, US, port, SYN | ACK));
	}
	expect_learned(l, "OUTPUT 6 to 80 " THEM " x100; INPUT 6 from 80 " THEM " x100");
	learn_free(l);
}

/* A flow without its beginning. */
static const struct {
	uint8_t proto;
	enum chain chain;
	uint16_t sport, dport;
	const char *want;
} guesses[] = {
	{IPPROTO_TCP, CHAIN_OUTPUT, 40000, 22, "OUTPUT 6 to 22 10.0.0.2 x1"},
	{IPPROTO_TCP, CHAIN_OUTPUT, 22, 40000, "OUTPUT 6 from 22 10.0.0.2 x1"},
	{IPPROTO_TCP, CHAIN_OUTPUT, 40000, 8080, "OUTPUT 6 to 8080 10.0.0.2 x1"},
	{IPPROTO_TCP, CHAIN_INPUT, 62000, 8080, "INPUT 6 to 8080 10.0.0.1 x1"},
	{IPPROTO_TCP, CHAIN_OUTPUT, 8080, 3000, "OUTPUT 6 to 3000 10.0.0.2 x1"},
	{IPPROTO_TCP, CHAIN_OUTPUT, 3000, 8080, "OUTPUT 6 from 3000 10.0.0.2 x1"},
	{IPPROTO_TCP, CHAIN_OUTPUT, 40000, 50000, "OUTPUT 6 bare 0 10.0.0.2 x1"},
	{IPPROTO_UDP, CHAIN_OUTPUT, 40000, 53, "OUTPUT 17 to 53 10.0.0.2 x1"},
	{IPPROTO_UDP, CHAIN_INPUT, 53, 40000, "INPUT 17 from 53 10.0.0.1 x1"},
	{IPPROTO_UDP, CHAIN_INPUT, 2000, 8080, "INPUT 17 to 8080 10.0.0.1 x1"},
	{IPPROTO_UDP, CHAIN_OUTPUT, 2000, 8080, "OUTPUT 17 to 8080 10.0.0.2 x1"},
	{IPPROTO_UDP, CHAIN_OUTPUT, 40000, 33434, "OUTPUT 17 bare 0 10.0.0.2 x1"},
	{IPPROTO_UDP, CHAIN_OUTPUT, 123, 123, "OUTPUT 17 to 123 10.0.0.2 x1"},
	{IPPROTO_ICMP, CHAIN_OUTPUT, 0, 0, "OUTPUT 1 bare 0 10.0.0.2 x1"},
	{IPPROTO_ICMP, CHAIN_INPUT, 0, 0, "INPUT 1 bare 0 10.0.0.1 x1"},
	{IPPROTO_UDP, CHAIN_FORWARD, 40000, 53, "FORWARD 17 to 53 10.0.0.2 x1"},
	{IPPROTO_UDP, CHAIN_FORWARD, 53, 40000, "FORWARD 17 from 53 10.0.0.1 x1"},
};

static void without_a_beginning_the_ports_tell(void)
{
	for (size_t i = 0; i < sizeof(guesses) / sizeof(guesses[0]); i++) {
		struct learn *l = begin();

		see(l, guesses[i].chain,
		    packet(guesses[i].proto, "10.0.0.1", guesses[i].sport, "10.0.0.2",
			   guesses[i].dport, ACK));
		expect_learned(l, guesses[i].want);
		learn_free(l);
	}
}

/* Of two ports alike, the first packet of UDP tells, and its flow stays what it was. */
static void an_answer_belongs_to_its_question(void)
{
	struct learn *l = begin();

	see(l, CHAIN_INPUT, packet(IPPROTO_UDP, THEM, 2000, US, 8080, 0));
	see(l, CHAIN_OUTPUT, packet(IPPROTO_UDP, US, 8080, THEM, 2000, 0));
	see(l, CHAIN_OUTPUT, packet(IPPROTO_UDP, "fd00::1", 5000, "fd00::2", 4000, 0));
	see(l, CHAIN_INPUT, packet(IPPROTO_UDP, "fd00::2", 4000, "fd00::1", 5000, 0));
	expect_learned(l, "INPUT 17 to 8080 " THEM " x1; OUTPUT 17 from 8080 " THEM " x1; "
			  "OUTPUT 17 to 4000 fd00::2 x1; INPUT 17 from 4000 fd00::2 x1");
	learn_free(l);
}

/* Its beginning was not seen, or was forgotten; but the service is there. */
static void a_known_service_takes_flows_that_began_before(void)
{
	struct learn *l = begin();

	see(l, CHAIN_INPUT, packet(IPPROTO_TCP, THEM, 40000, US, 50000, SYN));
	see(l, CHAIN_OUTPUT, packet(IPPROTO_TCP, US, 50000, THEM, 40000, SYN | ACK));
	see(l, CHAIN_INPUT, packet(IPPROTO_TCP, THEM, 40001, US, 50000, ACK));
	see(l, CHAIN_OUTPUT, packet(IPPROTO_TCP, US, 50000, THEM, 40001, ACK));
	expect_learned(l, "INPUT 6 to 50000 " THEM " x2; OUTPUT 6 from 50000 " THEM " x2");
	learn_free(l);
}

static void count(const char *what, struct holders who, struct packet p, bool by_rule, bool passed,
		  enum learn_count want)
{
	struct learn *l = begin();
	const struct learn_entry *e;

	learn_packet(l, CHAIN_OUTPUT, &p, &who, by_rule, passed);
	for (int c = 0; c < LEARN_COUNT; c++)
		expect(learn_counted(l, CHAIN_OUTPUT, c) == (c == (int)want),
		       "%s: count %d is %llu", what, c,
		       (unsigned long long)learn_counted(l, CHAIN_OUTPUT, c));
	expect_int(what, (long long)learn_entries(l, &e), want == LEARN_SEEN);
	learn_free(l);
}

static void what_is_not_to_be_allowed_is_counted_alone(void)
{
	struct packet p = packet(IPPROTO_TCP, US, 40000, THEM, 80, SYN), part = p, odd = p;
	struct holders kernel = {.origin = ORIGIN_KERNEL}, unknown = {.origin = ORIGIN_UNKNOWN};

	part.has_ports = false;
	part.later_fragment = true;
	odd.malformed = true;
	count("passed", held_by_first(), p, false, true, LEARN_SEEN);
	count("a rule", held_by_first(), p, true, true, LEARN_RULED);
	count("a rule that drops", held_by_first(), p, true, false, LEARN_RULED);
	count("dropped", held_by_first(), p, false, false, LEARN_DENIED);
	count("kernel", kernel, p, false, true, LEARN_KERNEL);
	count("fragment", held_by_first(), part, false, true, LEARN_OPAQUE);
	count("malformed", held_by_first(), odd, false, true, LEARN_OPAQUE);
	count("unknown", unknown, p, false, true, LEARN_SEEN);
	learn_packet(NULL, CHAIN_OUTPUT, &p, &kernel, false, true);
}

static void learn_of(struct learn *l, const int *programs, size_t n)
{
	struct holders who = held_by(programs, n);
	struct packet p = packet(IPPROTO_TCP, US, 40000, THEM, 80, SYN);

	learn_packet(l, CHAIN_OUTPUT, &p, &who, false, true);
}

static void programs_that_share_a_socket_are_one_party(void)
{
	struct learn *l = begin();
	const struct learn_party *p;
	const struct learn_entry *e;

	learn_of(l, (const int[]){0}, 1);
	learn_of(l, (const int[]){0, 0, 0}, 3);
	learn_of(l, (const int[]){0, 1, 0}, 3);
	learn_of(l, (const int[]){1, 0}, 2);
	learn_of(l, (const int[]){-1}, 1);
	learn_of(l, (const int[]){0, -1}, 2);
	learn_of(l, (const int[]){0, 1, 2, 3, 4, 5, 6, 7}, 8);
	learn_of(l, (const int[]){0, 1, 2, 3, 4, 5, 6, 7, 8}, 9);
	CU_ASSERT_EQUAL_FATAL(learn_parties(l, &p), 6);
	CU_ASSERT_EQUAL(learn_entries(l, &e), 6);
	CU_ASSERT(p[0].n == 1 && p[0].whole);
	CU_ASSERT(p[1].n == 2 && p[1].whole);
	CU_ASSERT(p[2].n == 0 && !p[2].whole);
	CU_ASSERT(p[3].n == 1 && !p[3].whole);
	CU_ASSERT(p[4].n == 8 && p[4].whole);
	CU_ASSERT(p[5].n == 8 && !p[5].whole);
	CU_ASSERT_EQUAL(sha256_cmp(&p[1].program[1], &sets[1].program), 0);
	expect_text("path", p[0].path[0], "/bin/program");
	CU_ASSERT_PTR_NOT_EQUAL(p[0].path[0], sets[0].program_path);
	learn_free(l);
}

/* By digests whose places in the table are next to each other. */
static void what_is_not_all_known_is_another_party(void)
{
	struct learn *l = begin();
	const struct learn_party *p;

	learn_of(l, (const int[]){0}, 1);
	learn_of(l, (const int[]){1, -1}, 2);
	learn_of(l, (const int[]){1}, 1);
	CU_ASSERT_EQUAL_FATAL(learn_parties(l, &p), 3);
	CU_ASSERT(!p[1].whole);
	CU_ASSERT(p[2].whole);
	learn_free(l);
}

/* What does not fit is counted, and what is there still counts its packets. */
static void the_table_is_bounded(void)
{
	struct learn *l = begin();
	struct packet p = packet(IPPROTO_TCP, THEM, 40000, US, 80, SYN);
	const struct learn_entry *e;
	uint64_t seen, left;

	for (uint32_t i = 0; i < LEARN_ENTRIES_MAX + 1000; i++) {
		memcpy(p.saddr, &i, sizeof(i));
		see(l, CHAIN_INPUT, p);
	}
	seen = learn_counted(l, CHAIN_INPUT, LEARN_SEEN);
	left = learn_counted(l, CHAIN_INPUT, LEARN_LEFT);
	CU_ASSERT_EQUAL(learn_entries(l, &e), LEARN_ENTRIES_MAX);
	CU_ASSERT_EQUAL(seen, LEARN_ENTRIES_MAX);
	CU_ASSERT_EQUAL(left, 1000);
	memset(p.saddr, 0, sizeof(p.saddr));
	see(l, CHAIN_INPUT, p);
	CU_ASSERT_EQUAL(learn_packets(&e[0]), 2);
	CU_ASSERT_EQUAL(learn_counted(l, CHAIN_INPUT, LEARN_LEFT), 1000);
	learn_free(l);
}

static void parties_are_bounded(void)
{
	struct learn *l = begin();
	const struct learn_party *p;
	struct rng rng = rng_new();

	for (int i = 0; i < LEARN_PARTIES_MAX + 10; i++) {
		for (size_t b = 0; b < SHA256_LEN; b++)
			sets[0].program.b[b] = (uint8_t)rng_next(&rng);
		learn_of(l, (const int[]){0}, 1);
	}
	CU_ASSERT_EQUAL(learn_parties(l, &p), LEARN_PARTIES_MAX);
	CU_ASSERT_EQUAL(learn_counted(l, CHAIN_OUTPUT, LEARN_LEFT), 10);
	learn_free(l);
}

static const struct unit_test tests[] = {
	{"TCP: who sends the SYN is the client", tcp_goes_by_who_sent_the_syn},
	{"ports of clients are not kept", another_client_port_is_nothing_new},
	{"of a flow without its beginning the ports tell", without_a_beginning_the_ports_tell},
	{"an answer belongs to its question", an_answer_belongs_to_its_question},
	{"a known service takes flows that began before",
	 a_known_service_takes_flows_that_began_before},
	{"what is not to be allowed is counted alone", what_is_not_to_be_allowed_is_counted_alone},
	{"programs that share a socket are one party", programs_that_share_a_socket_are_one_party},
	{"what is not all known is another party", what_is_not_all_known_is_another_party},
	{"the table is bounded", the_table_is_bounded},
	{"so are the parties", parties_are_bounded},
};

UNIT_SUITE("fw/learn", tests)
