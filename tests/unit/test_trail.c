/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "expect.h"
#include "fw/trail.h"
#include "unit.h"

/* A folder of our own, at root; cwd is root/sub. */
static char top[] = "/tmp/unit-trail.XXXXXX";
static int root, cwd;

static void at(const char *name, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s/%s", top, name);
}

static void make_folder(const char *name)
{
	char path[PATH_MAX];

	at(name, path);
	CU_ASSERT_EQUAL_FATAL(mkdir(path, 0755), 0);
}

static void make_file(const char *name)
{
	char path[PATH_MAX];
	FILE *f;

	at(name, path);
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(name, f);
	fclose(f);
}

static void make_link(const char *target, const char *name)
{
	char path[PATH_MAX];

	at(name, path);
	CU_ASSERT_EQUAL_FATAL(symlink(target, path), 0);
}

static void build(void)
{
	char path[PATH_MAX];

	strcpy(top + strlen(top) - 6, "XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(top));
	make_folder("sub");
	make_folder("sub/deep");
	make_file("x");
	make_file("sub/y");
	make_file("sub/deep/z");
	make_link("/sub/y", "absolute");
	make_link("sub/../sub/deep/z", "relative");
	make_link("absolute", "chain");
	make_link("/sub/deep", "sub/folder");
	make_link("loop2", "loop1");
	make_link("loop1", "loop2");
	make_link("../../../../x", "sub/out");
	make_link("nothing", "dangling");
	at("fifo", path);
	CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0);
	at("sub", path);
	root = open(top, O_PATH | O_DIRECTORY);
	cwd = open(path, O_PATH | O_DIRECTORY);
}

static void take_down(void)
{
	char command[PATH_MAX];

	close(root);
	close(cwd);
	snprintf(command, sizeof(command), "rm -r %s", top);
	CU_ASSERT_EQUAL(system(command), 0);
}

/* What the file that a name leads to says, or the error. */
static void lead(const char *name, char out[PATH_MAX])
{
	uint64_t changed;
	char link[32];
	int file = trail_follow(root, cwd, name, &changed), fd;
	ssize_t n;

	if (file < 0) {
		snprintf(out, PATH_MAX, "%s", strerrorname_np(-file));
		return;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
	fd = open(link, O_RDONLY);
	n = read(fd, out, PATH_MAX - 1);
	out[n < 0 ? 0 : n] = 0;
	close(fd);
	close(file);
}

static void names(void)
{
	static const struct {
		const char *name, *want;
	} rows[] = {
		{"/x", "x"},
		{"//x", "x"},
		{"/./sub//y", "sub/y"},
		{"y", "sub/y"},
		{"./y", "sub/y"},
		{"../x", "x"},
		{"../../../x", "x"},
		{"/../x", "x"},
		{"deep/../../x", "x"},
		{"/absolute", "sub/y"},
		{"/relative", "sub/deep/z"},
		{"/chain", "sub/y"},
		{"folder/z", "sub/deep/z"},
		{"out", "x"},
		{"", "ENOENT"},
		{"/", "EISDIR"},
		{".", "EISDIR"},
		{"deep", "EISDIR"},
		{"folder", "EISDIR"},
		{"y/", "ENOTDIR"},
		{"y/z", "ENOTDIR"},
		{"/x/../x", "ENOTDIR"},
		{"/loop1", "ELOOP"},
		{"/dangling", "ENOENT"},
		{"/fifo", "EMEDIUMTYPE"},
	};
	char got[PATH_MAX];

	build();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		lead(rows[i].name, got);
		expect_text(rows[i].name, got, rows[i].want);
	}
	take_down();
}

static void names_that_are_too_long(void)
{
	char name[2 * PATH_MAX], got[PATH_MAX];

	build();
	memset(name, 'n', NAME_MAX);
	strcpy(name + NAME_MAX, "");
	make_file(name);
	lead("/y", got);
	strcpy(name + NAME_MAX, "n"); /* one more than the file's */
	memmove(name + 1, name, NAME_MAX + 2);
	name[0] = '/';
	lead(name, got);
	expect_text("a long name", got, "ENAMETOOLONG");
	memset(name, '/', PATH_MAX);
	strcpy(name + PATH_MAX, "x");
	lead(name, got);
	expect_text("a long path", got, "ENAMETOOLONG");
	take_down();
}

static void made_up_links(void)
{
	int system_root = open("/", O_PATH | O_DIRECTORY);
	uint64_t changed;
	char name[64];

	snprintf(name, sizeof(name), "/proc/%d/exe", getpid());
	expect_int(name, trail_follow(system_root, -1, name, &changed), -EXDEV);
	expect_int("self", trail_follow(system_root, -1, "/proc/self/root/x", &changed), -EXDEV);
	close(system_root);
}

static uint64_t changed_on(const char *name)
{
	uint64_t changed = 0;
	int file = trail_follow(root, cwd, name, &changed);

	expect(file >= 0, "%s: %d", name, file);
	close(file);
	return changed;
}

static uint64_t ctime_of(const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	at(name, path);
	CU_ASSERT_EQUAL_FATAL(lstat(path, &st), 0);
	return trail_ctime_ns(&st);
}

/* Until a change now has another time than one before. */
static void let_time_pass(const char *since)
{
	uint64_t before = ctime_of(since);
	char path[PATH_MAX];

	at("clock", path);
	do {
		make_file("clock");
		CU_ASSERT_EQUAL_FATAL(chmod(path, 0600), 0);
	} while (ctime_of("clock") <= before + 20000000);
	unlink(path);
}

static void move(const char *from, const char *to)
{
	char a[PATH_MAX], b[PATH_MAX];

	at(from, a);
	at(to, b);
	CU_ASSERT_EQUAL_FATAL(rename(a, b), 0);
}

/* Whether a change shows on the trail of a name. */
static void changes(void)
{
	uint64_t built;

	build();
	let_time_pass("dangling");
	built = ctime_of("sub/deep/z");
	for (const char *const *n = (const char *const[]){"/relative", "/chain", "folder/z", NULL};
	     *n; n++)
		expect(changed_on(*n) <= ctime_of("dangling"), "%s: nothing has changed", *n);

	make_file("sub/deep/other");
	expect(changed_on("deep/z") <= ctime_of("dangling"), "a neighbour does not count");

	move("sub/deep/other", "sub/deep/z");
	expect(changed_on("deep/z") > built, "renamed over");
	expect(changed_on("/x") <= ctime_of("dangling"), "another file");

	let_time_pass("sub/deep/z");
	built = ctime_of("sub/deep/z");
	move("sub/deep", "sub/moved");
	make_folder("sub/deep");
	move("sub/moved/z", "sub/deep/z2");
	move("sub/deep", "sub/gone");
	move("sub/moved", "sub/deep");
	make_file("sub/deep/z");
	expect(changed_on("deep/z") > built, "another folder");

	let_time_pass("sub/deep/z");
	built = ctime_of("sub/deep/z");
	expect(changed_on("/chain") <= built, "the link is as it was");
	make_link("/x", "new");
	move("new", "absolute");
	expect(changed_on("/chain") > built, "another link");
	take_down();
}

/* A folder with an old file in it takes the place of another. */
static void swapped_folders(void)
{
	uint64_t built;

	build();
	make_folder("sub/other");
	make_file("sub/other/z");
	let_time_pass("sub/other/z");
	built = ctime_of("sub/other/z");
	expect(changed_on("deep/z") <= built, "nothing has changed");
	move("sub/deep", "sub/away");
	move("sub/other", "sub/deep");
	expect(ctime_of("sub/deep/z") <= built, "the file itself is old");
	expect(changed_on("deep/z") > built, "its folder is not");
	take_down();
}

static void folders(void)
{
	struct folder f = {0};
	struct statx is;
	int fd;

	build();
	CU_ASSERT_EQUAL_FATAL(statx(cwd, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &is), 0);
	fd = trail_folder((uint32_t)getpid(), "cwd", &f);
	expect(fd >= 0, "any folder will do");
	close(fd);
	f.ino = is.stx_ino;
	f.mount = (uint32_t)is.stx_mnt_id;
	expect_int("another", trail_folder((uint32_t)getpid(), "cwd", &f), -ESRCH);
	f.path = "/tmp";
	expect_int("neither", trail_folder((uint32_t)getpid(), "cwd", &f), -ESRCH);
	f.path = top;
	expect_int("nor that", trail_folder((uint32_t)getpid(), "cwd", &f), -ESRCH);
	{
		char path[PATH_MAX];

		at("sub", path);
		f.path = path;
		fd = trail_folder(INT32_MAX, "cwd", &f);
		expect(fd >= 0, "by its path");
		close(fd);
		f.mount++;
		expect_int("another mount", trail_folder(INT32_MAX, "cwd", &f), -ESRCH);
	}
	take_down();
}

static const struct unit_test tests[] = {
	{"a name leads where the kernel would go", names},
	{"names that are too long", names_that_are_too_long},
	{"links that the kernel makes up are not followed", made_up_links},
	{"a change on the way shows, a neighbour's does not", changes},
	{"an old file in a folder that was moved in", swapped_folders},
	{"a folder is known by its inode and mount", folders},
};
UNIT_SUITE("fw/trail", tests)
