/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl-fw is no library: what is tested of it is compiled into its test. */
#include "ctl/package.c"

#include "expect.h"
#include "unit.h"

#define LIST_MAX 256

static int note(void *cookie, const char *path)
{
	char *list = cookie;

	if (strcmp(path, "/stop") == 0)
		return -7;
	snprintf(list + strlen(list), LIST_MAX - strlen(list), "%s ", path);
	return 0;
}

static const struct {
	const char *text, *paths;
	int r;
} lists[] = {
	{"/.\n/bin\n/bin/dash\n", "/. /bin /bin/dash ", 0},
	{"/bin/a b\n", "/bin/a b ", 0},
	{"/bin/sh\ndiverted by dash to: /bin/sh.distrib\n/x\n", "/bin/sh.distrib /x ", 0},
	{"/bin/sh\nlocally diverted to: /bin/sh.mine\n", "/bin/sh.mine ", 0},
	{"/bin/sh\npackage diverts others to: /bin/sh.distrib\n/x\n", "/bin/sh /x ", 0},
	{"no path\n\n/x", "/x ", 0},
	{"", "", 0},
	{"/a\n/stop\n/b\n", "/a ", -7},
	{"/a\n/stop\n", "/a ", -7},
};

static void lists_files_where_they_are(void)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		_cleanup_fclose_ FILE *f =
			*lists[i].text ? fmemopen((char *)lists[i].text, strlen(lists[i].text), "r")
				       : fopen("/dev/null", "r");
		char got[LIST_MAX] = "";

		expect_int(lists[i].text, read_paths(f, note, got), lists[i].r);
		expect_text(lists[i].text, got, lists[i].paths);
	}
}

static void names_what_dpkg_does_not_know(void)
{
	char err[PACKAGE_ERROR_LEN] = "", name[SET_PACKAGE_MAX + 1], arch[SET_PACKAGE_MAX + 1];

	CU_ASSERT_EQUAL(package_list("curl", "/nosuch", note, NULL, err), -EIO);
	expect_text("root", err, "curl: dpkg-query knows of no such package that is installed");
	CU_ASSERT_EQUAL(package_of_archive("/dev/null", name, arch, err), -EIO);
	expect_text("archive", err, "/dev/null: not the archive of a package");
}

static const struct unit_test tests[] = {
	{"files are listed where they are", lists_files_where_they_are},
	{"what dpkg does not know is named", names_what_dpkg_does_not_know},
};
UNIT_SUITE("ctl/package", tests)
