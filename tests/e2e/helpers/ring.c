/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ring RINGS MEMBERS SECONDS ADDR PORT GOOD EVIL: in each ring a UDP socket goes round by
 * SCM_RIGHTS between processes that are by turns the programs GOOD and EVIL, copies of this one.
 * Whoever has it, and has heard that the one before has closed its own, sends its name once and
 * hands the socket on. Each prints "sent NAME COUNT" after SECONDS.
 *
 * ring -r PORT: receives such names; at each line of standard input, and at its end, prints
 * "received good COUNT evil COUNT other COUNT".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FROM	    3 /* a member's end towards the one before */
#define NEXT	    4
#define MEMBERS_MAX 64
#define RCVBUF	    (64 << 20)

static void die(const char *what)
{
	fprintf(stderr, "ring: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static struct sockaddr_in address(const char *addr, const char *port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};

	if (inet_pton(AF_INET, addr, &to.sin_addr) != 1)
		die(addr);
	return to;
}

union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

/* Hands the socket on, closes it, and then says so. */
static bool hand_on(int socket)
{
	union control control = {0};
	struct iovec iov = {.iov_base = "s", .iov_len = 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control.bytes,
			   .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	bool sent;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &socket, sizeof(socket));
	sent = sendmsg(NEXT, &m, MSG_NOSIGNAL) == 1;
	close(socket);
	return sent && send(NEXT, "c", 1, MSG_NOSIGNAL) == 1;
}

/* The socket, once nobody else has it; -1 when the ring is broken. */
static int take(void)
{
	union control control = {0};
	char byte;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control.bytes,
			   .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *c;
	int socket;

	if (recvmsg(FROM, &m, MSG_CMSG_CLOEXEC) != 1)
		return -1;
	c = CMSG_FIRSTHDR(&m);
	if (!c || c->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&socket, CMSG_DATA(c), sizeof(socket));
	return recv(FROM, &byte, 1, 0) == 1 ? socket : -1;
}

static int first_socket(const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)to, sizeof(*to)))
		die("socket");
	return fd;
}

/* One member, at its ends FROM and NEXT. */
static int go_round(bool first, const char *name, double seconds, const struct sockaddr_in *to)
{
	double end = now() + seconds;
	unsigned long sent = 0;
	int fd = first ? first_socket(to) : take();

	while (fd >= 0) {
		if (now() > end)
			break;
		/* What the firewall drops at once may be an error here. */
		if (send(fd, name, strlen(name), 0) >= 0 || errno == EPERM)
			sent++;
		if (!hand_on(fd))
			break;
		fd = take();
	}
	printf("sent %s %lu\n", name, sent);
	return 0;
}

static void be_member(int from, int next, bool first, char *argv[], bool evil)
{
	char *name = evil ? "evil" : "good";
	int a = fcntl(from, F_DUPFD, NEXT + 1), b = fcntl(next, F_DUPFD, NEXT + 1);

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || dup2(a, FROM) < 0 || dup2(b, NEXT) < 0 ||
	    close_range(NEXT + 1, ~0U, 0))
		die("descriptors");
	execl(argv[evil ? 7 : 6], name, first ? "-1" : "-m", name, argv[3], argv[4], argv[5], NULL);
	die(argv[evil ? 7 : 6]);
}

static void start_ring(int members, char *argv[])
{
	int ends[MEMBERS_MAX][2];

	for (int i = 0; i < members; i++)
		if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends[i]))
			die("socketpair");
	for (int i = 0; i < members; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (!pid)
			be_member(ends[i][1], ends[(i + 1) % members][0], !i, argv, i & 1);
	}
	for (int i = 0; i < members; i++) {
		close(ends[i][0]);
		close(ends[i][1]);
	}
}

static void count_one(int fd, unsigned long counts[3])
{
	char name[16];
	ssize_t n = recv(fd, name, sizeof(name), MSG_DONTWAIT);

	if (n == 4 && !memcmp(name, "good", 4))
		counts[0]++;
	else if (n == 4 && !memcmp(name, "evil", 4))
		counts[1]++;
	else if (n >= 0)
		counts[2]++;
}

static int receive(const char *port)
{
	struct sockaddr_in at = address("0.0.0.0", port);
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size = RCVBUF;
	unsigned long counts[3] = {0};
	ssize_t n = 1;

	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		die(port);
	puts("listening");
	fflush(stdout);
	while (n > 0) {
		struct pollfd p[] = {{.fd = 0, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
		char line[64];

		if (poll(p, 2, -1) < 0)
			die("poll");
		if (p[1].revents) {
			count_one(fd, counts);
			continue; /* the count is printed when nothing is left */
		}
		n = read(0, line, sizeof(line));
		printf("received good %lu evil %lu other %lu\n", counts[0], counts[1], counts[2]);
		fflush(stdout);
	}
	return 0;
}

static int usage(void)
{
	fputs("usage: ring RINGS MEMBERS SECONDS ADDR PORT GOOD EVIL | ring -r PORT\n", stderr);
	return 2;
}

int main(int argc, char *argv[])
{
	if (argc == 3 && !strcmp(argv[1], "-r"))
		return receive(argv[2]);
	if (argc == 6 && (!strcmp(argv[1], "-m") || !strcmp(argv[1], "-1"))) {
		struct sockaddr_in to = address(argv[4], argv[5]);

		return go_round(argv[1][1] == '1', argv[2], atof(argv[3]), &to);
	}
	if (argc != 8 || atoi(argv[2]) < 2 || atoi(argv[2]) > MEMBERS_MAX)
		return usage();
	for (int i = 0; i < atoi(argv[1]); i++)
		start_ring(atoi(argv[2]), argv);
	while (wait(NULL) > 0)
		;
	puts("round");
	return 0;
}
