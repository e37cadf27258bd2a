/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl-fw is no library: what is tested of it is compiled into its test. */
#include "ctl/hash.c"

#include <stdio.h>

#include "expect.h"
#include "unit.h"

#define MILLION 1000000u

/* FIPS 180-4 examples: the empty message, "abc", a million times "a". */
static const struct {
	const char *text;
	size_t times;
	const char *hex;
} vectors[] = {
	{"", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	{"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	{"a", MILLION, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
};

static FILE *make_file(char path[64])
{
	const char *tmp = getenv("TMPDIR");
	int fd;

	snprintf(path, 64, "%.40s/hash.XXXXXX", tmp ? tmp : "/tmp");
	fd = mkstemp(path);
	CU_ASSERT_FATAL(fd >= 0);
	return fdopen(fd, "w");
}

static void files_have_their_known_digests(void)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		char path[64], hex[SHA256_HEX_LEN + 1];
		struct sha256 digest;
		FILE *f = make_file(path);

		for (size_t n = 0; n < vectors[i].times; n++)
			fputs(vectors[i].text, f);
		fclose(f);
		expect_int("hash_file", hash_file(path, &digest), 0);
		hex_format_sha256(&digest, hex);
		expect_text("digest", hex, vectors[i].hex);
		unlink(path);
	}
}

static void only_regular_files_are_opened(void)
{
	struct sha256 digest;
	char path[64];

	fclose(make_file(path));
	unlink(path);
	expect_int("missing", hash_file(path, &digest), -ENOENT);
	expect_int("device", hash_file("/dev/zero", &digest), -ENOTSUP);
	expect_int("folder", hash_file("/", &digest), -EISDIR);
	CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0);
	expect_int("fifo", hash_file(path, &digest), -ENOTSUP);
	unlink(path);
}

/* The digests of "" and "abc" above, as bytes, one after the other: sha256sum(1) says so too. */
static void the_aggregate_is_over_the_raw_digests(void)
{
	struct sha256 both[2], whole;
	char hex[SHA256_HEX_LEN + 1];

	CU_ASSERT_EQUAL_FATAL(hex_parse_sha256(vectors[0].hex, &both[0]), 0);
	CU_ASSERT_EQUAL_FATAL(hex_parse_sha256(vectors[1].hex, &both[1]), 0);
	expect_int("hash_aggregate", hash_aggregate(both, 2, &whole), 0);
	hex_format_sha256(&whole, hex);
	expect_text("aggregate", hex,
		    "bddbdf7e9df02f902ee5dd61b2b513d7566a2112ff97db7dc3b6d184a43ef0e3");
}

static const struct unit_test tests[] = {
	{"files have their known digests", files_have_their_known_digests},
	{"only regular files are opened", only_regular_files_are_opened},
	{"the aggregate is over the raw digests", the_aggregate_is_over_the_raw_digests},
};
UNIT_SUITE("ctl/hash", tests)
