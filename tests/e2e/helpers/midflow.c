/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * midflow [-u] ADDR PORT TAG LIBRARY N: sends "TAG first" on one connection (-u: UDP) and has an
 * answer to it, then N lines "TAG before I"; loads the library, and at once sends N lines "TAG
 * after I". Prints "ready" and waits for a line on standard input once there was an answer. What it
 * writes to a TCP connection may leave later: the library is loaded when all has left, acknowledged
 * or not. It stays until all "before" is acknowledged, so that its end cuts off nothing of that,
 * and what is not of "after" has been sent again by the kernel.
 * Exit 0; 1 when something else than sending failed; 2 on a wrong call.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PACE_NS	  50000L /* so that no queue of the receiver's overflows */
#define LIMIT_MS  10000
#define LINE_SIZE 128

static void pause_ns(long ns)
{
	nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

static int open_to(const char *addr, const char *port, bool udp)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
	int fd = socket(AF_INET, udp ? SOCK_DGRAM : SOCK_STREAM, 0), one = 1;

	if (fd < 0 || inet_pton(AF_INET, addr, &to.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return -1;
	if (!udp)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

/* The flow is established when something has come back. */
static bool establish(int fd, const char *tag)
{
	char line[LINE_SIZE];
	int size = snprintf(line, sizeof(line), "%s first\n", tag);

	return send(fd, line, size, MSG_NOSIGNAL) == size && recv(fd, line, sizeof(line), 0) > 0;
}

/* Returns how many bytes. */
static size_t send_lines(int fd, const char *tag, const char *when, int n)
{
	char line[LINE_SIZE];
	size_t sum = 0;

	for (int i = 0; i < n; i++) {
		int size = snprintf(line, sizeof(line), "%s %s %d\n", tag, when, i);

		send(fd, line, size, MSG_NOSIGNAL);
		sum += (size_t)size;
		pause_ns(PACE_NS);
	}
	return sum;
}

static bool has_left(int fd)
{
	int unsent = 0;

	return ioctl(fd, SIOCOUTQNSD, &unsent) || !unsent;
}

/* after: bytes that may never be acknowledged. */
static bool is_tried(int fd, size_t after)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);
	int unacknowledged = 0;

	if (ioctl(fd, SIOCOUTQ, &unacknowledged) ||
	    getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size))
		return true;
	return !unacknowledged || ((size_t)unacknowledged <= after && info.tcpi_retransmits);
}

int main(int argc, char **argv)
{
	bool udp = argc > 1 && !strcmp(argv[1], "-u");
	char **arg = argv + udp;
	size_t after;
	char go[8];
	int fd, n;

	if (argc - udp != 6) {
		fputs("usage: midflow [-u] ADDR PORT TAG LIBRARY N\n", stderr);
		return 2;
	}
	n = atoi(arg[5]);
	fd = open_to(arg[1], arg[2], udp);
	if (fd < 0 || !establish(fd, arg[3])) {
		perror("midflow");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	if (!fgets(go, sizeof(go), stdin))
		return 1;
	send_lines(fd, arg[3], "before", n);
	while (!udp && !has_left(fd))
		;
	if (!dlopen(arg[4], RTLD_NOW)) {
		fprintf(stderr, "midflow: %s\n", dlerror());
		return 1;
	}
	after = send_lines(fd, arg[3], "after", n);
	for (int ms = 0; !udp && !is_tried(fd, after) && ms < LIMIT_MS; ms++)
		pause_ns(1000000);
	return 0;
}
