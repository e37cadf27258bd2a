// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * lookups -p PROCESSES [-s SOCKETS]: what the daemon's questions to the kernel cost, with that
 * many more processes of that many sockets each beside those of the machine. A line each: median
 * and least ns, how often it was asked, and what it is. Then the last line: the number of processes
 * and of sockets on record.
 *
 * Lines that begin with "proc:" are the baselines: the same answered from /proc, as a firewall
 * without probes would. It loads probes of its own: run it without a daemon.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "fw/probe.h"
#include "fw/sockdiag.h"

#define SAMPLES_MAX   2001
#define LIMIT_NS      200000000 /* time given to one line */
#define SAMPLES_MIN   5
#define MAPPINGS_MAX  1024
#define PROCESSES_MAX 8192

/* Everything that is asked about: sockets of this process, and the two ends of a connection. */
struct bench {
	struct probe *probe;
	struct sockdiag *diag;
	struct sockdiag_query udp, tcp, nobody;
	uint64_t udp_cookie, shared_cookie;
	int udp_fd, tcp_fd, shared_fd, listener_fd;
	struct vma_rec mappings[MAPPINGS_MAX];
	pid_t child[PROCESSES_MAX];
	int children;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

/* --- The questions: 0, or -errno ------------------------------------------------------------ */

static int ask_getppid(struct bench *b)
{
	(void)b;
	syscall(SYS_getppid);
	return 0;
}

static int ask_sock(struct bench *b)
{
	struct sock_rec rec;

	return probe_sock(b->probe, b->udp_cookie, &rec);
}

static int ask_proc(struct bench *b)
{
	struct proc_rec rec;

	return probe_proc(b->probe, getpid(), &rec);
}

static int prove(struct bench *b, uint64_t cookie)
{
	struct proof proof;
	int r = probe_prove(b->probe, cookie, 0, &proof);

	if (r)
		return r;
	return proof.state == NOTE_PROVEN || proof.state == NOTE_MANY ? 0 : -ENODATA;
}

static int ask_prove(struct bench *b)
{
	return prove(b, b->udp_cookie);
}

static int ask_prove_shared(struct bench *b)
{
	return prove(b, b->shared_cookie);
}

static int find(struct bench *b, const struct sockdiag_query *q)
{
	struct sockdiag_answer a;

	return sockdiag_find(b->diag, q, &a);
}

static int ask_diag_udp(struct bench *b)
{
	return find(b, &b->udp);
}

static int ask_diag_tcp(struct bench *b)
{
	return find(b, &b->tcp);
}

static int ask_diag_nobody(struct bench *b)
{
	return find(b, &b->nobody) == -ENOENT ? 0 : -EPROTO;
}

static int ask_files(struct bench *b)
{
	return probe_scan_files(b->probe, getpid());
}

static int ask_files_all(struct bench *b)
{
	return probe_scan_files(b->probe, 0);
}

static int ask_mappings(struct bench *b)
{
	int n = probe_scan_mappings(b->probe, getpid(), b->mappings, MAPPINGS_MAX);

	return n < 0 ? n : 0;
}

static int ask_count_socks(struct bench *b)
{
	return probe_reap_socks(b->probe) ? 0 : -ENODATA;
}

/* A file of /proc, read to its end. */
static int read_all(const char *path)
{
	static char buf[65536];
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		;
	return n < 0 ? -errno : 0;
}

static int proc_maps(struct bench *b)
{
	(void)b;
	return read_all("/proc/self/maps");
}

static int proc_sockets(struct bench *b)
{
	(void)b;
	return read_all("/proc/self/net/udp");
}

/* Where each descriptor of a process leads. */
static int read_descriptors(const char *process)
{
	char path[300], to[256];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fd", process);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((e = readdir(dir)))
		if (readlinkat(dirfd(dir), e->d_name, to, sizeof(to)) < 0)
			continue; /* "." and ".." */
	closedir(dir);
	return 0;
}

static int proc_files(struct bench *b)
{
	(void)b;
	return read_descriptors("self");
}

static int proc_files_all(struct bench *b)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;

	(void)b;
	if (!dir)
		return -errno;
	while ((e = readdir(dir)))
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9')
			read_descriptors(e->d_name); /* it may be gone */
	closedir(dir);
	return 0;
}

static const struct question {
	const char *what;
	int (*ask)(struct bench *b);
} questions[] = {
	{"a bare system call (getppid)", ask_getppid},
	{"map: one socket's record", ask_sock},
	{"map: one process's record", ask_proc},
	{"prove: socket of 1 process", ask_prove},
	{"prove: socket of 8 processes", ask_prove_shared},
	{"sock_diag: UDP by 5-tuple", ask_diag_udp},
	{"sock_diag: TCP by 5-tuple", ask_diag_tcp},
	{"sock_diag: no such socket", ask_diag_nobody},
	{"proc: net/udp, read", proc_sockets},
	{"iter/task_vma: one process", ask_mappings},
	{"proc: maps of one process, read", proc_maps},
	{"iter/task_file: one process", ask_files},
	{"proc: fd/* of one process, read", proc_files},
	{"iter/task_file: all processes", ask_files_all},
	{"proc: fd/* of all processes, read", proc_files_all},
	{"map: walk of all socket records", ask_count_socks},
};

/* --- Measuring ------------------------------------------------------------------------------ */

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void print(const char *what, uint64_t *ns, size_t n)
{
	qsort(ns, n, sizeof(ns[0]), ascending);
	printf("%llu %llu %zu %s\n", (unsigned long long)ns[n / 2], (unsigned long long)ns[0], n,
	       what);
}

static int measure(struct bench *b, const struct question *q)
{
	static uint64_t ns[SAMPLES_MAX];
	uint64_t began = now_ns(), from, to = began;
	size_t n = 0;
	int r = q->ask(b); /* once to warm up */

	while (!r && n < SAMPLES_MAX && (n < SAMPLES_MIN || to - began < LIMIT_NS)) {
		from = now_ns();
		r = q->ask(b);
		to = now_ns();
		ns[n++] = to - from;
	}
	if (r) {
		fprintf(stderr, "lookups: %s: %s\n", q->what, strerror(-r));
		return r;
	}
	print(q->what, ns, n);
	return 0;
}

/* What the kernel's accounting of BPF run time counts for a program that does nothing. */
static int measure_empty_program(void)
{
	const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);
	_cleanup_close_ int account = bpf_enable_stats(BPF_STATS_RUN_TIME);
	_cleanup_close_ int program =
		bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "bench_empty", "GPL", nothing, 2, NULL);
	_cleanup_close_ int link = -1;

	if (account < 0 || program < 0)
		return -errno;
	link = bpf_raw_tracepoint_open("sys_enter", program);
	if (link < 0)
		return -errno;
	for (int i = 0; i < 100000; i++)
		syscall(SYS_getppid);
	if (bpf_obj_get_info_by_fd(program, &info, &size) || !info.run_cnt)
		return -errno;
	printf("%llu 0 %llu an empty BPF program\n",
	       (unsigned long long)(info.run_time_ns / info.run_cnt),
	       (unsigned long long)info.run_cnt);
	return 0;
}

/* --- What is asked about -------------------------------------------------------------------- */

static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);

	return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) ? 0 : cookie;
}

static int listen_here(int type)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (void *)&at, sizeof(at)) || (type == SOCK_STREAM && listen(fd, 8)))
		return -1;
	return fd;
}

static int connect_to(int listener, int type)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	struct sockaddr_in to;
	socklen_t size = sizeof(to);

	if (fd < 0 || getsockname(listener, (void *)&to, &size) ||
	    connect(fd, (void *)&to, sizeof(to)))
		return -1;
	return fd;
}

static int ends_of(int fd, uint8_t proto, struct sockdiag_query *q)
{
	struct sockaddr_in local, remote;
	socklen_t size = sizeof(local);

	if (getsockname(fd, (void *)&local, &size) || getpeername(fd, (void *)&remote, &size))
		return -errno;
	*q = (struct sockdiag_query){.family = 4,
				     .proto = proto,
				     .local_port = ntohs(local.sin_port),
				     .remote_port = ntohs(remote.sin_port)};
	memcpy(q->local, &local.sin_addr, 4);
	memcpy(q->remote, &remote.sin_addr, 4);
	return 0;
}

static int open_sockets(struct bench *b)
{
	int udp = listen_here(SOCK_DGRAM), r;

	b->listener_fd = listen_here(SOCK_STREAM);
	b->udp_fd = connect_to(udp, SOCK_DGRAM);
	b->tcp_fd = connect_to(b->listener_fd, SOCK_STREAM);
	b->shared_fd = connect_to(udp, SOCK_DGRAM);
	if (b->udp_fd < 0 || b->tcp_fd < 0 || b->shared_fd < 0)
		return -errno;
	b->udp_cookie = cookie_of(b->udp_fd);
	b->shared_cookie = cookie_of(b->shared_fd);
	r = ends_of(b->udp_fd, IPPROTO_UDP, &b->udp);
	if (!r)
		r = ends_of(b->tcp_fd, IPPROTO_TCP, &b->tcp);
	b->nobody = b->tcp;
	b->nobody.remote[3]++;
	return r ? r : sockdiag_open(&b->diag);
}

/* Holds sockets until its parent ends. */
static void idle(struct bench *b, int sockets, bool shares, int ready)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(b->udp_fd);
	if (!shares)
		close(b->shared_fd);
	for (int i = 0; i < sockets; i++)
		if (socket(AF_INET, SOCK_DGRAM, 0) < 0)
			_exit(1);
	if (write(ready, "", 1) != 1)
		_exit(1);
	close(ready);
	for (;;)
		pause();
}

/* n processes, of which the first `sharing` keep the shared socket. */
static int populate(struct bench *b, int n, int sharing, int sockets)
{
	int ready[2], r = 0;
	char byte;

	if (pipe(ready))
		return -errno;
	for (int i = 0; i < n && !r; i++) {
		pid_t child = fork();

		if (!child)
			idle(b, sockets, i < sharing, ready[1]);
		if (child < 0)
			r = -errno;
		else
			b->child[b->children++] = child;
	}
	close(ready[1]);
	for (int i = 0; i < b->children && !r; i++)
		if (read(ready[0], &byte, 1) != 1)
			r = -EMFILE;
	close(ready[0]);
	return r;
}

static void depopulate(struct bench *b)
{
	for (int i = 0; i < b->children; i++)
		kill(b->child[i], SIGKILL);
	for (int i = 0; i < b->children; i++)
		waitpid(b->child[i], NULL, 0);
}

/* Loading the probes and reading everything that is there already, as at a daemon's start. */
static int start(struct bench *b)
{
	const struct probe_options options = {0};
	char err[256] = "";
	uint64_t began = now_ns(), took;
	int r = probe_check(err);

	r = r ? r : probe_open(&options, &b->probe, err);
	took = now_ns() - began;
	if (r)
		fprintf(stderr, "lookups: %s\n", err);
	else
		print("start: load, attach, read all", &took, 1);
	return r;
}

static int run(struct bench *b, int processes, int sockets)
{
	int r = open_sockets(b);

	if (!r)
		r = populate(b, processes, 7, sockets);
	if (!r)
		r = measure_empty_program();
	if (r) {
		fprintf(stderr, "lookups: %s\n", strerror(-r));
		return r;
	}
	r = start(b);
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]) && !r; i++)
		r = measure(b, &questions[i]);
	if (!r)
		printf("%zu %zu\n", probe_count_procs(b->probe), probe_reap_socks(b->probe));
	return r;
}

int main(int argc, char *argv[])
{
	static struct bench b;
	int processes = 0, sockets = 0, c, r;

	while ((c = getopt(argc, argv, "p:s:")) != -1) {
		if (c == 'p')
			processes = atoi(optarg);
		else if (c == 's')
			sockets = atoi(optarg);
		else
			return 2;
	}
	if (optind < argc || processes < 8 || processes > PROCESSES_MAX || sockets < 0) {
		fprintf(stderr, "usage: lookups -p PROCESSES [-s SOCKETS]   (8 to %d)\n",
			PROCESSES_MAX);
		return 2;
	}
	r = run(&b, processes, sockets);
	depopulate(&b);
	probe_close(b.probe);
	sockdiag_close(b.diag);
	return r ? 1 : 0;
}
