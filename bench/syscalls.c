// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * syscalls [-c CPU] [-m MS]: what a few system calls cost whoever makes them. For each call one
 * line: its name, the median and the least of the batches, in ns per call. MS (100) is the time
 * given to each call, CPU the processor to stay on.
 *
 * A batch is about 1 ms long: what else runs on the machine spoils some batches, not their median.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCH_NS    1000000
#define BATCHES_MAX 4096

static int zero_fd, program_fd, pair[2];
static long page;

static bool do_getppid(void)
{
	return syscall(SYS_getppid) >= 0;
}

static bool do_read(void)
{
	char byte;

	return read(zero_fd, &byte, 1) == 1;
}

static bool do_dup_close(void)
{
	int fd = dup(zero_fd);

	return fd >= 0 && !close(fd);
}

static bool do_fork_exit(void)
{
	pid_t child = fork();
	int status;

	if (!child)
		_exit(0);
	return child > 0 && waitpid(child, &status, 0) == child && !status;
}

static bool map_unmap(int prot, int flags, int fd)
{
	void *at = mmap(NULL, page, prot, flags | MAP_PRIVATE, fd, 0);

	return at != MAP_FAILED && !munmap(at, page);
}

static bool do_mmap(void)
{
	return map_unmap(PROT_READ | PROT_WRITE, MAP_ANONYMOUS, -1);
}

static bool do_mmap_exec(void)
{
	return map_unmap(PROT_READ | PROT_EXEC, 0, program_fd);
}

static bool do_socket_close(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && !close(fd);
}

static bool do_unix_message(void)
{
	char byte = 0;

	return send(pair[0], &byte, 1, 0) == 1 && recv(pair[1], &byte, 1, 0) == 1;
}

static const struct call {
	const char *name;
	bool (*once)(void);
} calls[] = {
	{"getppid", do_getppid},	   {"read", do_read},
	{"dup+close", do_dup_close},	   {"fork+exit+wait", do_fork_exit},
	{"mmap+munmap", do_mmap},	   {"mmap(EXEC)+munmap", do_mmap_exec},
	{"socket+close", do_socket_close}, {"unix-send+recv", do_unix_message},
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

/* How long n calls take; UINT64_MAX when one of them failed. */
static uint64_t batch(const struct call *c, uint64_t n)
{
	uint64_t began = now_ns();

	for (uint64_t i = 0; i < n; i++)
		if (!c->once())
			return UINT64_MAX;
	return now_ns() - began;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Doubles the batch until it is long enough. 0 when the call fails. */
static uint64_t batch_size(const struct call *c)
{
	uint64_t n = 1, took;

	while ((took = batch(c, n)) < BATCH_NS)
		n *= 2;
	return took == UINT64_MAX ? 0 : n;
}

static int measure(const struct call *c, uint64_t limit_ns)
{
	static double per_call[BATCHES_MAX];
	uint64_t n = batch_size(c), until = now_ns() + limit_ns, took = 0;
	size_t batches = 0;

	while (n && batches < BATCHES_MAX && (!batches || now_ns() < until)) {
		took = batch(c, n);
		if (took == UINT64_MAX)
			break;
		per_call[batches++] = (double)took / n;
	}
	if (!n || took == UINT64_MAX) {
		fprintf(stderr, "syscalls: %s: %m\n", c->name);
		return 1;
	}
	qsort(per_call, batches, sizeof(per_call[0]), ascending);
	printf("%s %.1f %.1f\n", c->name, per_call[batches / 2], per_call[0]);
	return 0;
}

static int stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

static int prepare(int cpu)
{
	page = sysconf(_SC_PAGESIZE);
	zero_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	program_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (zero_fd < 0 || program_fd < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -1;
	return cpu < 0 ? 0 : stay_on(cpu);
}

int main(int argc, char *argv[])
{
	int cpu = -1, ms = 100, c;

	while ((c = getopt(argc, argv, "c:m:")) != -1) {
		if (c == 'c')
			cpu = atoi(optarg);
		else if (c == 'm')
			ms = atoi(optarg);
		else
			return 2;
	}
	if (ms <= 0 || optind < argc) {
		fputs("usage: syscalls [-c CPU] [-m MS]\n", stderr);
		return 2;
	}
	if (prepare(cpu)) {
		perror("syscalls");
		return 1;
	}
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (measure(&calls[i], ms * 1000000ull))
			return 1;
	return 0;
}
