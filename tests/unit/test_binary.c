/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fw/binary.h"

#include <stdlib.h>

#include "expect.h"
#include "fw/tally.h"
#include "unit.h"

static struct binary rows[BINARIES_MAX];

static struct packet flow(uint16_t sport, uint16_t dport, bool back)
{
	struct packet p = {.family = 4,
			   .has_proto = true,
			   .proto = 6,
			   .has_ports = true,
			   .sport = back ? dport : sport,
			   .dport = back ? sport : dport,
			   .saddr = {10, 0, 0, back ? 2 : 1},
			   .daddr = {10, 0, 0, back ? 1 : 2},
			   .length = 100};

	return p;
}

static struct binary_process process(uint32_t pid)
{
	return (struct binary_process){.pid = pid, .start_ns = 1000 + pid, .stamp = 7};
}

static struct object_key program(uint64_t ino)
{
	return (struct object_key){.ino = ino, .dev = 1, .size = 10};
}

static struct binary *learn(struct binaries *b, uint32_t pid, uint64_t ino)
{
	struct binary_process p = process(pid);
	struct object_key key = program(ino);

	return binaries_learn(b, &p, &key);
}

static struct binary *find(struct binaries *b, uint32_t pid)
{
	struct binary_process p = process(pid);

	return binaries_find(b, &p);
}

/* Its row among the copied ones; NULL: it has none. */
static const struct binary *row_of(const struct binaries *b, enum binary_kind kind, uint64_t ino)
{
	size_t n = binaries_copy(b, rows);

	for (size_t i = 0; i < n; i++)
		if (rows[i].kind == kind && rows[i].key.ino == ino)
			return &rows[i];
	return NULL;
}

static void processes_share_a_program(void)
{
	struct binaries *b = binaries_new();
	struct packet p = flow(1, 2, false);
	struct binary_process later = process(1);

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	CU_ASSERT_PTR_NULL(find(b, 1));
	CU_ASSERT_PTR_EQUAL(learn(b, 1, 50), learn(b, 2, 50));
	CU_ASSERT_PTR_NOT_EQUAL(learn(b, 3, 51), find(b, 1));
	CU_ASSERT_PTR_EQUAL(find(b, 1), find(b, 2));
	later.stamp++; /* it has mapped something since: perhaps another program */
	CU_ASSERT_PTR_NULL(binaries_find(b, &later));
	CU_ASSERT_EQUAL(binaries_copy(b, rows), 0);
	binaries_count(b, find(b, 1), &p, VERDICT_ACCEPT, false);
	binaries_count(b, find(b, 2), &p, VERDICT_DROP, false);
	binaries_count(b, find(b, 2), &p, VERDICT_ACCEPT, true);
	CU_ASSERT_EQUAL(binaries_copy(b, rows), 1);
	CU_ASSERT_EQUAL(rows[0].by[VERDICT_ACCEPT].packets, 2);
	CU_ASSERT_EQUAL(rows[0].by[VERDICT_ACCEPT].bytes, 200);
	CU_ASSERT_EQUAL(rows[0].by[VERDICT_DROP].packets, 1);
	CU_ASSERT_EQUAL(rows[0].would.packets, 1);
	binaries_free(b);
}

static void nobody_is_blamed(void)
{
	struct binaries *b = binaries_new();
	struct packet p = flow(1, 2, false);
	struct binary_process who = process(1);
	struct object_key key = program(50);

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	CU_ASSERT_PTR_EQUAL(binaries_learn(b, &who, NULL), binaries_row(b, BINARY_UNKNOWN));
	CU_ASSERT_PTR_EQUAL(binaries_find(b, &who), binaries_row(b, BINARY_UNKNOWN));
	binaries_count(b, binaries_find(b, &who), &p, VERDICT_DROP, false);
	binaries_count(b, binaries_row(b, BINARY_KERNEL), &p, VERDICT_ACCEPT, false);
	CU_ASSERT_PTR_NOT_EQUAL(binaries_learn(b, &who, &key), binaries_row(b, BINARY_UNKNOWN));
	CU_ASSERT_EQUAL(row_of(b, BINARY_UNKNOWN, 0)->by[VERDICT_DROP].packets, 1);
	CU_ASSERT_EQUAL(row_of(b, BINARY_KERNEL, 0)->by[VERDICT_ACCEPT].packets, 1);
	CU_ASSERT_PTR_NULL(row_of(b, BINARY_PROGRAM, 50));
	binaries_free(b);
}

static void flows_have_two_directions(void)
{
	struct binaries *b = binaries_new();
	struct binary *row = learn(b, 1, 50);

	for (int round = 0; round < 3; round++)
		for (uint16_t port = 1; port <= 20; port++) {
			struct packet there = flow(port, 80, false), back = flow(port, 80, true);

			binaries_count(b, row, &there, VERDICT_ACCEPT, false);
			binaries_count(b, row, &back, VERDICT_ACCEPT, false);
		}
	expect_int("flows", (long long)row_of(b, BINARY_PROGRAM, 50)->flows, 20);
	binaries_free(b);
}

/* The ones that sent last stay; nothing that was counted is lost. */
static void full(void)
{
	const uint64_t all = 3 * BINARIES_MAX;
	struct binaries *b = binaries_new();
	struct packet p = flow(1, 2, false);
	uint64_t sum = 0;
	size_t n;

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	for (uint64_t i = 1; i <= all; i++) {
		binaries_count(b, learn(b, (uint32_t)i, i), &p, VERDICT_ACCEPT, false);
		binaries_count(b, learn(b, 1, 1), &p, VERDICT_DROP, false);
	}
	n = binaries_copy(b, rows);
	expect(n <= BINARIES_MAX, "%zu rows", n);
	for (size_t i = 0; i < n; i++)
		sum += rows[i].by[VERDICT_ACCEPT].packets;
	expect_int("packets", (long long)sum, (long long)all);
	CU_ASSERT_PTR_NOT_NULL(row_of(b, BINARY_PROGRAM, all));
	CU_ASSERT_PTR_NULL(row_of(b, BINARY_PROGRAM, 2));
	CU_ASSERT_EQUAL(row_of(b, BINARY_PROGRAM, 1)->by[VERDICT_DROP].packets, all);
	CU_ASSERT_PTR_NOT_NULL(row_of(b, BINARY_OTHERS, 0));
	CU_ASSERT_PTR_NULL(find(b, 2)); /* its row is another's */
	binaries_free(b);
}

static void as_json(void)
{
	struct tally_row row = {.binary = {.kind = BINARY_PROGRAM,
					   .key = {.ino = 9, .dev = 8 << 20 | 1},
					   .flows = 2,
					   .by = {[VERDICT_DROP] = {3, 180}},
					   .would = {1, 60}},
				.has_digest = true,
				.path = "/usr/bin/curl"},
			 none = {.binary = {.kind = BINARY_KERNEL}};
	json_t *json = tally_json(&row), *other = tally_json(&none);
	char *text = json_dumps(json, JSON_COMPACT);

	expect_text("program", text,
		    "{\"kind\":\"program\",\"exe\":\"/usr/bin/curl\",\"sha256\":\""
		    "0000000000000000000000000000000000000000000000000000000000000000\","
		    "\"device\":\"8:1\",\"inode\":9,\"flows\":2,\"verdicts\":{"
		    "\"ACCEPT\":{\"packets\":0,\"bytes\":0},\"DROP\":{\"packets\":3,\"bytes\":180},"
		    "\"REJECT\":{\"packets\":0,\"bytes\":0},\"MARK\":{\"packets\":0,\"bytes\":0},"
		    "\"KILL\":{\"packets\":0,\"bytes\":0}},"
		    "\"would\":{\"packets\":1,\"bytes\":60}}");
	CU_ASSERT_TRUE(json_is_null(json_object_get(other, "exe")));
	CU_ASSERT_TRUE(json_is_null(json_object_get(other, "sha256")));
	CU_ASSERT_TRUE(json_is_null(json_object_get(other, "inode")));
	expect_text("kind", json_string_value(json_object_get(other, "kind")), "kernel");
	free(text);
	json_decref(json);
	json_decref(other);
}

static const struct unit_test tests[] = {
	{"processes of one program share a row, until they change", processes_share_a_program},
	{"what is nobody's or not known is counted as that", nobody_is_blamed},
	{"both directions are one flow", flows_have_two_directions},
	{"a full table gives up who was silent, and loses no packet", full},
	{"a row as JSON", as_json},
};
UNIT_SUITE("fw/binary", tests)
