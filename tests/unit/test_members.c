/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl-fw is no library: what is tested of it is compiled into its test. */
#include "ctl/members.c"

#include "expect.h"
#include "unit.h"

static char root[64];

static char *in_root(const char *path)
{
	static char whole[128];

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	return whole;
}

static void put(const char *path, const void *bytes, size_t n, mode_t mode)
{
	_cleanup_fclose_ FILE *f = fopen(in_root(path), "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL_FATAL(fwrite(bytes, 1, n, f), n);
	CU_ASSERT_EQUAL_FATAL(fchmod(fileno(f), mode), 0);
}

static void put_elf(const char *path, uint16_t type, size_t n)
{
	Elf64_Ehdr h = {.e_ident = ELFMAG, .e_type = type};

	put(path, &h, n, 0644);
}

static void make_root(void)
{
	snprintf(root, sizeof(root), "/tmp/members.XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(root));
	mkdir(in_root("/usr"), 0755);
	mkdir(in_root("/dir"), 0755);
	put("/usr/program", "x", 1, 0755);
	put("/usr/data", "x", 1, 0644);
	put_elf("/usr/shared", ET_DYN, sizeof(Elf64_Ehdr));
	put_elf("/usr/module", ET_REL, sizeof(Elf64_Ehdr));
	put_elf("/usr/cut", ET_DYN, EI_NIDENT);
	CU_ASSERT_EQUAL(mkfifo(in_root("/fifo"), 0755), 0);
	CU_ASSERT_EQUAL(symlink("program", in_root("/usr/link")), 0);
	CU_ASSERT_EQUAL(symlink("/usr", in_root("/lib")), 0);
	CU_ASSERT_EQUAL(symlink("/../../../../bin", in_root("/out")), 0);
}

/* Whether the path is an object in the root, and is then the file `same`. */
static const struct {
	const char *path, *same;
} paths[] = {
	{"/usr/program", "/usr/program"},
	{"/usr/shared", "/usr/shared"},
	{"/lib/program", "/usr/program"}, /* by a link within the root */
	{"/usr/data", NULL},
	{"/usr/module", NULL},
	{"/usr/cut", NULL},
	{"/usr/link", NULL},
	{"/out/sh", NULL}, /* there is a /bin/sh, but not in the root */
	{"/dir", NULL},
	{"/fifo", NULL},
	{"/nosuch", NULL},
	{"/usr/program/x", NULL},
};

static void remove_root(void)
{
	walk(root, NULL, NULL);
	expect(access(root, F_OK) < 0, "%s is still there", root);
}

static void objects_are_told_from_the_rest(void)
{
	_cleanup_close_ int dir = -1;

	make_root();
	dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		_cleanup_close_ int fd = -1;
		struct stat opened, wanted;

		expect_int(paths[i].path, open_object(dir, paths[i].path, &fd),
			   paths[i].same ? 0 : -ENOENT);
		if (!paths[i].same || fd < 0)
			continue;
		CU_ASSERT_EQUAL_FATAL(fstat(fd, &opened), 0);
		CU_ASSERT_EQUAL_FATAL(stat(in_root(paths[i].same), &wanted), 0);
		expect(opened.st_ino == wanted.st_ino, "%s is another file", paths[i].path);
	}
	remove_root();
}

static void a_file_is_named_with_its_digest(void)
{
	char err[PACKAGE_ERROR_LEN] = "", hex[SHA256_HEX_LEN + 1];
	json_t *files = json_array();
	struct sha256 digest;

	CU_ASSERT_EQUAL(members_add_file(files, "/proc/self/exe", err), 0);
	CU_ASSERT_EQUAL_FATAL(hash_file("/proc/self/exe", &digest), 0);
	hex_format_sha256(&digest, hex);
	expect_text("digest", json_string_value(json_array_get(json_array_get(files, 0), 1)), hex);
	CU_ASSERT_EQUAL(members_add_file(files, "/nosuch", err), -ENOENT);
	expect_text("missing", err, "/nosuch: No such file or directory");
	CU_ASSERT_EQUAL(members_add_file(files, "/tmp", err), -EISDIR);
	CU_ASSERT_EQUAL(members_add_package(files, "curl", "/nosuch", err), -ENOENT);
	expect_text("root", err, "/nosuch: No such file or directory");
	CU_ASSERT_EQUAL(json_array_size(files), 1);
	json_decref(files);
}

static const struct unit_test tests[] = {
	{"objects of a package are told from its other files, and lie in its root",
	 objects_are_told_from_the_rest},
	{"a file is named with its digest", a_file_is_named_with_its_digest},
};
UNIT_SUITE("ctl/members", tests)
