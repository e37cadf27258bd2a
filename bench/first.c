/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * first NETNS ADDR PORT PROGRAM...: runs each program, one after the other, and waits in network
 * namespace NETNS for the one datagram that it sends to ADDR and PORT. A program is a copy of this
 * one. Prints what it took, in microseconds, one figure a line: medians and 99th percentiles
 *
 *   exec_us, exec_p99_us   from before the program was started until its datagram was there
 *   sent_us, sent_p99_us   from before it was sent until it was there
 *
 * Exit 1 when a datagram does not come within 5 s.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_S 5

extern char **environ;

/* CLOCK_MONOTONIC is the same in all namespaces of a host. */
static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int die(const char *what)
{
	fprintf(stderr, "first: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct sockaddr_in address_of(const char *addr, const char *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};

	if (inet_pton(AF_INET, addr, &a.sin_addr) != 1) {
		errno = EINVAL;
		die(addr);
	}
	return a;
}

/* What the programs do: when they sent is what they send. */
static int send_one(const char *addr, const char *port)
{
	struct sockaddr_in to = address_of(addr, port);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t now = now_ns();

	if (fd < 0 || sendto(fd, &now, sizeof(now), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		die("send");
	return 0;
}

/* A socket in another namespace; the process stays in its own. */
static int listen_in(const char *netns, const char *addr, const char *port)
{
	struct sockaddr_in at = address_of(addr, port);
	struct timeval patience = {.tv_sec = PATIENCE_S};
	int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int other = open(netns, O_RDONLY | O_CLOEXEC), fd;

	if (own < 0 || other < 0 || setns(other, CLONE_NEWNET))
		die(netns);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		die("listen");
	if (setns(own, CLONE_NEWNET))
		die("own namespace");
	close(own);
	close(other);
	return fd;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print(const char *name, double *us, int n)
{
	qsort(us, (size_t)n, sizeof(*us), by_size);
	printf("%s_us %.2f\n%s_p99_us %.2f\n", name, us[n / 2], name, us[(n * 99 - 1) / 100]);
}

static void run_one(int fd, char *program, char *addr, char *port, double *exec_us, double *sent_us)
{
	char *argv[] = {program, "send", addr, port, NULL};
	uint64_t began = now_ns(), sent, came;
	pid_t pid;

	errno = posix_spawn(&pid, program, NULL, NULL, argv, environ);
	if (errno)
		die(program);
	if (recv(fd, &sent, sizeof(sent), 0) != sizeof(sent))
		die("no datagram came");
	came = now_ns();
	waitpid(pid, NULL, 0);
	*exec_us = (double)(came - began) / 1e3;
	*sent_us = (double)(came - sent) / 1e3;
}

int main(int argc, char **argv)
{
	double *exec_us, *sent_us;
	int fd, n = argc - 4;

	if (argc == 4 && strcmp(argv[1], "send") == 0)
		return send_one(argv[2], argv[3]);
	if (n < 1) {
		fputs("usage: first NETNS ADDR PORT PROGRAM...\n", stderr);
		return 2;
	}
	exec_us = calloc((size_t)n, sizeof(*exec_us));
	sent_us = calloc((size_t)n, sizeof(*sent_us));
	if (!exec_us || !sent_us)
		die("memory");
	fd = listen_in(argv[1], argv[2], argv[3]);
	for (int i = 0; i < n; i++)
		run_one(fd, argv[4 + i], argv[2], argv[3], &exec_us[i], &sent_us[i]);
	print("exec", exec_us, n);
	print("sent", sent_us, n);
	return 0;
}
