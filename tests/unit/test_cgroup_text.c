/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "expect.h"
#include "fw/cgroup_text.h"
#include "unit.h"

#define ID    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "fedcba98765432100123456789abcdef0123456789abcdef0123456789abcdef"

static void paths(void)
{
	static const struct {
		const char *text, *path;
		bool in;
	} rows[] = {
		{"0::/a/b\n", "/a/b", true},
		{"0::/a/b\n", "/a", true},
		{"0::/a/b\n", "/", true},
		{"0::/a/bc\n", "/a/b", false},
		{"0::/a\n", "/a/b", false},
		{"0::/x/a/b\n", "/a/b", false},
		{"9:name=systemd:/s\n4:memory:/m/n\n0::/\n", "/m", true},
		{"9:name=systemd:/s\n4:memory:/m/n\n0::/\n", "/s", true},
		{"9:name=systemd:/s\n4:memory:/m/n\n0::/\n", "/n", false},
		{"1:cpu,cpuacct:/a:b\n", "/a:b", true},
		{"0::/a", "/a", true},
		{"", "/", false},
		{"0:/a\n", "/a", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect(cgroup_text_is_in(rows[i].text, rows[i].path) == rows[i].in, "row %zu", i);
}

static void containers(void)
{
	static const struct {
		const char *text;
		bool in;
	} rows[] = {
		{"0::/docker/" ID "\n", true},
		{"0::/system.slice/docker-" ID ".scope\n", true},
		{"0::/machine.slice/libpod-" ID ".scope/container\n", true},
		{"0::/machine.slice/libpod-conmon-" ID ".scope\n", false},
		{"0::/kubepods.slice/x.slice/crio-conmon-" ID ".scope\n", false},
		{"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope\n", true},
		{"0::/kubepods/burstable/pod1-2/" ID "\n", true},
		{"0::/default/" ID "\n", true},
		{"4:memory:/docker/" ID "\n0::/\n", true},
		{"0::/docker/" OTHER "/docker/" ID "/init.scope\n", true},
		{"0::/docker/" OTHER "\n", false},
		{"0::/docker/0123456789abcdef\n", false},
		{"0::/docker/a" ID "\n", false},
		{"0::/docker/" ID "a\n", false},
		{"0::/docker/" ID ".slice\n", false},
		{"0::/user.slice\n", false},
		{"", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		expect(cgroup_text_has_container(rows[i].text, ID) == rows[i].in, "row %zu", i);
		expect(cgroup_text_has_container(rows[i].text, "0123456789ab") == rows[i].in,
		       "row %zu, by the short id", i);
	}
}

static void innermost(void)
{
	static const struct {
		const char *text, *id; /* NULL: none */
	} rows[] = {
		{"0::/docker/" ID "\n", ID},
		{"0::/docker/" OTHER "/docker/" ID "/init.scope\n", ID},
		{"4:memory:/docker/" OTHER "\n0::/docker/" ID "\n", OTHER},
		{"4:memory:/\n0::/machine.slice/libpod-" ID ".scope\n", ID},
		{"0::/machine.slice/libpod-conmon-" ID ".scope\n", NULL},
		{"0::/user.slice\n", NULL},
		{"", NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char id[CGROUP_CONTAINER_LEN + 1] = "untouched";
		bool found = cgroup_text_container(rows[i].text, id);

		expect(found == (rows[i].id != NULL), "row %zu", i);
		expect_text("id", id, rows[i].id ? rows[i].id : "untouched");
	}
}

static const struct unit_test tests[] = {
	{"a path, and what is below it, in any hierarchy", paths},
	{"container ids in all their shapes", containers},
	{"the id of the container that it is in", innermost},
};
UNIT_SUITE("fw/cgroup_text", tests)
