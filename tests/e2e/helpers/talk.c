/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * talk [-u|-m] [-k] [-w MS] ADDR PORT [TEXT]: sends TEXT in one line by TCP (-u: UDP, -m: multipath
 * TCP) and waits for an answer. Exit 0 if it came within MS (20000), 1 if it did not, 2 on a wrong
 * call.
 *
 * -k keeps the connection: prints "connected", then sends each line of standard input as it comes,
 * prints "said" after it, and the answers.
 *
 * Scenarios append bytes to copies of this program: same behaviour, different digests.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int usage(void)
{
	fputs("usage: talk [-u|-m] [-k] [-w MS] ADDR PORT [TEXT]\n", stderr);
	return 2;
}

static bool ready(int fd, short events, int wait_ms)
{
	struct pollfd p = {.fd = fd, .events = events};

	return poll(&p, 1, wait_ms) == 1 && !(p.revents & POLLNVAL);
}

static socklen_t address(const char *text, const char *port, struct sockaddr_storage *out)
{
	struct sockaddr_in6 *a6 = (struct sockaddr_in6 *)out;
	struct sockaddr_in *a4 = (struct sockaddr_in *)out;

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, text, &a4->sin_addr) == 1) {
		a4->sin_family = AF_INET;
		a4->sin_port = htons((uint16_t)atoi(port));
		return sizeof(*a4);
	}
	if (inet_pton(AF_INET6, text, &a6->sin6_addr) == 1) {
		a6->sin6_family = AF_INET6;
		a6->sin6_port = htons((uint16_t)atoi(port));
		return sizeof(*a6);
	}
	return 0;
}

/* A connected socket, or -1. Does not wait longer than wait_ms for the other side. */
static int open_to(const char *addr, const char *port, int type, int protocol, int wait_ms)
{
	struct sockaddr_storage to;
	socklen_t len = address(addr, port, &to);
	int fd, err = 0;

	if (!len)
		return -1;
	fd = socket(to.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&to, len) == 0)
		return fd;
	len = sizeof(err);
	if (errno == EINPROGRESS && ready(fd, POLLOUT, wait_ms) &&
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == 0 && err == 0)
		return fd;
	close(fd);
	return -1;
}

static int say(int fd, const char *text, int wait_ms)
{
	char answer[256];

	if (dprintf(fd, "%s\n", text) < 0 || !ready(fd, POLLIN, wait_ms))
		return 1;
	return read(fd, answer, sizeof(answer)) > 0 ? 0 : 1;
}

static int keep(int fd)
{
	char buf[4096];
	ssize_t n;

	puts("connected");
	fflush(stdout);
	for (;;) {
		struct pollfd p[] = {{.fd = 0, .events = POLLIN}, {.fd = fd, .events = POLLIN}};

		if (poll(p, 2, -1) < 0)
			return 1;
		if (p[0].revents) {
			n = read(0, buf, sizeof(buf));
			if (n <= 0 || write(fd, buf, (size_t)n) != n)
				return n < 0;
			puts("said");
			fflush(stdout);
		}
		if (p[1].revents) {
			n = read(fd, buf, sizeof(buf));
			if (n <= 0 || write(1, buf, (size_t)n) != n)
				return n < 0;
		}
	}
}

int main(int argc, char *argv[])
{
	int type = SOCK_STREAM, protocol = 0, wait_ms = 20000, opt, fd;
	bool kept = false;

	while ((opt = getopt(argc, argv, "umkw:")) != -1)
		switch (opt) {
		case 'u':
			type = SOCK_DGRAM;
			break;
		case 'm':
			protocol = IPPROTO_MPTCP;
			break;
		case 'k':
			kept = true;
			break;
		case 'w':
			wait_ms = atoi(optarg);
			break;
		default:
			return usage();
		}
	if (argc - optind != (kept ? 2 : 3))
		return usage();
	fd = open_to(argv[optind], argv[optind + 1], type, protocol, wait_ms);
	if (fd < 0)
		return 1;
	return kept ? keep(fd) : say(fd, argv[optind + 2], wait_ms);
}
