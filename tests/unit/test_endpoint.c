/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#include "expect.h"
#include "fw/endpoint.h"
#include "unit.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* As getnameinfo(3) would write it, without asking anybody. */
static const char *shown(const struct endpoint *e)
{
	static char text[128];
	char address[INET6_ADDRSTRLEN];
	const struct sockaddr_in *v4 = (const void *)&e->address;
	const struct sockaddr_in6 *v6 = (const void *)&e->address;

	if (v4->sin_family == AF_INET && e->length == sizeof(*v4))
		snprintf(text, sizeof(text), "%s %u",
			 inet_ntop(AF_INET, &v4->sin_addr, address, sizeof(address)),
			 ntohs(v4->sin_port));
	else if (v6->sin6_family == AF_INET6 && e->length == sizeof(*v6))
		snprintf(text, sizeof(text), "%s %u",
			 inet_ntop(AF_INET6, &v6->sin6_addr, address, sizeof(address)),
			 ntohs(v6->sin6_port));
	else
		return "neither";
	return text;
}

static void reads_addresses_and_ports(void)
{
	static const char *const rows[][2] = {
		{"127.0.0.1:9100", "127.0.0.1 9100"},
		{"0.0.0.0:1", "0.0.0.0 1"},
		{"255.255.255.255:65535", "255.255.255.255 65535"},
		{"[::1]:9100", "::1 9100"},
		{"[::]:80", ":: 80"},
		{"[fd00:1:2:3:4:5:6:7]:65535", "fd00:1:2:3:4:5:6:7 65535"},
		{"[1111:2222:3333:4444:5555:6666:100.100.100.100]:1",
		 "1111:2222:3333:4444:5555:6666:6464:6464 1"},
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct endpoint e = {.length = 0};

		if (expect(endpoint_parse(rows[i][0], &e) == 0, "%s is refused", rows[i][0]))
			expect_text(rows[i][0], shown(&e), rows[i][1]);
	}
}

static void refuses_everything_else(void)
{
	static const char *const rows[] = {
		"",
		":",
		":9100",
		"127.0.0.1",
		"127.0.0.1:",
		"127.0.0.1:0",
		"127.0.0.1:65536",
		"127.0.0.1:-1",
		"127.0.0.1:+1",
		"127.0.0.1: 1",
		"127.0.0.1:1 ",
		"127.0.0.1:01",
		"127.0.0.1:9100x",
		"127.0.0.1:http",
		"127.0.0.1:99999999999999999999",
		"127.0.0:9100",
		"127.0.0.256:9100",
		"localhost:9100",
		"*:9100",
		"::1:9100",
		"::1",
		"[::1]",
		"[::1]9100",
		"[::1]:",
		"[::1:9100",
		"::1]:9100",
		"[]:9100",
		"[:9100",
		"]:9100",
		"[127.0.0.1]:9100",
		"[::g]:9100",
		"[fe80::1%lo]:9100",
		"[[::1]]:9100",
		"127.0.0.1:9100:9100",
		"http://127.0.0.1:9100",
		"[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb]:9100",
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct endpoint e = {.length = 77};

		expect(endpoint_parse(rows[i], &e) == -EINVAL, "'%s' is taken", rows[i]);
		expect(e.length == 77, "'%s' leaves something", rows[i]);
	}
}

/* The endpoint that a socket has got. */
static struct endpoint place_of(int fd)
{
	struct endpoint e = {.length = sizeof(e.address)};

	CU_ASSERT_EQUAL_FATAL(getsockname(fd, (struct sockaddr *)&e.address, &e.length), 0);
	return e;
}

static void a_place_is_taken_once(void)
{
	struct endpoint e;
	int fd;

	CU_ASSERT_EQUAL_FATAL(endpoint_parse("127.0.0.1:1", &e), 0);
	((struct sockaddr_in *)&e.address)->sin_port = 0;
	fd = endpoint_listen(&e, 1);
	CU_ASSERT_FATAL(fd >= 0);
	e = place_of(fd);
	CU_ASSERT_EQUAL(endpoint_listen(&e, 1), -EADDRINUSE);
	close(fd);
	fd = endpoint_listen(&e, 1);
	CU_ASSERT(fd >= 0);
	close(fd);
}

static void an_address_may_come_later(void)
{
	static const char *const rows[] = {"192.0.2.1:9", "[2001:db8::1]:9"};

	for (size_t i = 0; i < N(rows); i++) {
		struct endpoint e;
		int fd;

		CU_ASSERT_EQUAL_FATAL(endpoint_parse(rows[i], &e), 0);
		((struct sockaddr_in *)&e.address)->sin_port = 0; /* where that of IPv6 lies */
		fd = endpoint_listen(&e, 1);
		expect(fd >= 0, "%s: %s", rows[i], strerror(-fd));
		if (fd >= 0)
			close(fd);
	}
}

static const struct unit_test tests[] = {
	{"addresses and ports of both families", reads_addresses_and_ports},
	{"whatever else is refused", refuses_everything_else},
	{"a place is taken once, and free again at once", a_place_is_taken_once},
	{"an address may come later", an_address_may_come_later},
};
UNIT_SUITE("fw/endpoint", tests)
