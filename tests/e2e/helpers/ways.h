/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every way has in common: the job from the command line, a socket, and lines sent over it. */
#ifndef HELPERS_WAYS_H
#define HELPERS_WAYS_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_BLOCKED 1	/* no connection, or no answer */
#define EXIT_BROKEN  2	/* the way itself did not work */
#define EXIT_NO_WAY  99 /* this kernel does not have it */

struct job {
	const char *way, *variant, *addr, *port, *text;
	char **more; /* what the way takes beyond that, NULL-terminated */
	struct sockaddr_storage to;
	socklen_t to_len;
	int type; /* SOCK_STREAM or SOCK_DGRAM */
};

static struct job job;

static __attribute__((noreturn)) void broken(const char *what)
{
	fprintf(stderr, "broken: %s: %s: %s\n", job.text, what, strerror(errno));
	_exit(EXIT_BROKEN);
}

static __attribute__((noreturn)) void no_way(const char *what)
{
	printf("not here: %s: %s: %s\n", job.way, what, strerror(errno));
	fflush(stdout);
	_exit(EXIT_NO_WAY);
}

static long must(long r, const char *what)
{
	if (r < 0)
		broken(what);
	return r;
}

static bool is_udp(void)
{
	return job.type == SOCK_DGRAM;
}

/* How long the other side may take to answer. */
static long wait_ms(void)
{
	const char *ms = getenv("WAIT_MS");

	return ms ? atol(ms) : 1000;
}

static bool parse_address(const char *text, const char *port, struct sockaddr_storage *out,
			  socklen_t *len)
{
	struct sockaddr_in6 *a6 = (struct sockaddr_in6 *)out;
	struct sockaddr_in *a4 = (struct sockaddr_in *)out;

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, text, &a4->sin_addr) == 1) {
		a4->sin_family = AF_INET;
		a4->sin_port = htons((uint16_t)atoi(port));
		*len = sizeof(*a4);
		return true;
	}
	a6->sin6_family = AF_INET6;
	a6->sin6_port = htons((uint16_t)atoi(port));
	*len = sizeof(*a6);
	return inet_pton(AF_INET6, text, &a6->sin6_addr) == 1;
}

static void set_timeout(int fd, int option, long ms)
{
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	must(setsockopt(fd, SOL_SOCKET, option, &tv, sizeof(tv)), "set a timeout");
}

/* A blocking connect and a blocking read give up after this. $CONNECT_MS is for connect(2) alone:
 * who opens a socket may have an answer where the rest has none. */
static void set_patience(int fd)
{
	const char *ms = getenv("CONNECT_MS");

	set_timeout(fd, SO_SNDTIMEO, ms ? atol(ms) : wait_ms());
	set_timeout(fd, SO_RCVTIMEO, wait_ms());
}

static void bind_to(int fd, int port)
{
	struct sockaddr_storage any = {.ss_family = job.to.ss_family};
	struct linger reset = {1, 0};
	int one = 1;

	((struct sockaddr_in *)&any)->sin_port =
		htons((uint16_t)port); /* at the same place in both */
	must(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), "SO_REUSEADDR");
	must(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)), "SO_REUSEPORT");
	if (!is_udp())
		must(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), "SO_LINGER");
	must(bind(fd, (struct sockaddr *)&any, job.to_len), "bind");
}

/* A socket that is not connected yet; at the local port $SPORT if there is one. */
static int fresh(int flags)
{
	int fd = (int)must(socket(job.to.ss_family, job.type | flags, 0), "socket");
	const char *sport = getenv("SPORT");

	set_patience(fd);
	if (sport)
		bind_to(fd, atoi(sport));
	return fd;
}

static void link_up(int fd)
{
	if (connect(fd, (struct sockaddr *)&job.to, job.to_len))
		_exit(EXIT_BLOCKED);
}

static int linked(void)
{
	int fd = fresh(0);

	link_up(fd);
	return fd;
}

/* With $GATE, a FIFO: says that it is there, and waits until somebody opens the other end. */
static void pass_gate(void)
{
	const char *gate = getenv("GATE");
	char said[256];
	int fd, n;

	if (!gate)
		return;
	n = snprintf(said, sizeof(said), "gated %s %s\n", job.text, job.addr);
	must(write(1, said, (size_t)n), "gated");
	fd = (int)must(open(gate, O_RDONLY | O_CLOEXEC), gate);
	close(fd);
	unsetenv("GATE");
}

static size_t make_line(char buf[512], const char *tag)
{
	return (size_t)snprintf(buf, 512, "%s.%s\n", job.text, tag);
}

static int answered(int fd)
{
	char answer[64];

	if (is_udp())
		return 0;
	return recv(fd, answer, sizeof(answer), 0) > 0 ? 0 : EXIT_BLOCKED;
}

/* Sends the line of whoever holds the socket now, as `tag` says; by TCP waits for the answer. */
static int line(int fd, const char *tag)
{
	char buf[512];
	size_t n = make_line(buf, tag);

	pass_gate();
	if (send(fd, buf, n, MSG_NOSIGNAL) < 0 && errno != EPERM)
		return EXIT_BLOCKED;
	return answered(fd);
}

static void wait_child(pid_t pid)
{
	int status;

	must(waitpid(pid, &status, __WALL), "waitpid");
}

/* Until that process is gone and all it held is closed. */
static void await_end(pid_t pid)
{
	struct pollfd p = {.events = POLLIN};

	p.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (p.fd < 0)
		return;
	poll(&p, 1, -1);
	close(p.fd);
}

static void pass_descriptor(int via, int fd)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)),
			      .cmsg_level = SOL_SOCKET,
			      .cmsg_type = SCM_RIGHTS}};
	struct iovec io = {"f", 1};
	struct msghdr m = {.msg_iov = &io,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control)};

	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	must(sendmsg(via, &m, 0), "SCM_RIGHTS");
}

static int take_descriptor(int via)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec io = {&byte, 1};
	struct msghdr m = {.msg_iov = &io,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control)};
	int fd;

	must(recvmsg(via, &m, 0), "recvmsg");
	if (m.msg_controllen < CMSG_LEN(sizeof(int)))
		broken("no descriptor came");
	memcpy(&fd, CMSG_DATA(&control.head), sizeof(fd));
	return fd;
}

#endif
