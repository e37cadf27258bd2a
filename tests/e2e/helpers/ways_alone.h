/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ways of one program alone: it opens a socket, moves it about, sends. */
#ifndef HELPERS_WAYS_ALONE_H
#define HELPERS_WAYS_ALONE_H

#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include "ways.h"

static int say_and_exit(int fd)
{
	_exit(line(fd, "self"));
}

static int line_number(int fd, int n)
{
	char tag[16];

	snprintf(tag, sizeof(tag), "%d.self", n);
	return line(fd, tag);
}

static int way_socket(void)
{
	return line(linked(), "self");
}

/* No destructor, no closing of descriptors by hand: the process ends with the packet on its way. */
static int way_exit(void)
{
	return say_and_exit(linked());
}

static int way_killed(void)
{
	line(linked(), "self");
	kill(getpid(), SIGKILL);
	return EXIT_BROKEN;
}

static int say_to(int fd, const struct sockaddr *to, socklen_t len)
{
	char buf[512];
	size_t n = make_line(buf, "self");

	pass_gate();
	if (sendto(fd, buf, n, 0, to, len) < 0 && errno != EPERM)
		return EXIT_BLOCKED;
	return 0;
}

static int way_sendto(void)
{
	return say_to(fresh(0), (struct sockaddr *)&job.to, job.to_len);
}

/* Bound to all addresses, connected to none. */
static int way_wildcard(void)
{
	int fd = fresh(0);

	bind_to(fd, 0);
	return say_to(fd, (struct sockaddr *)&job.to, job.to_len);
}

/* An IPv6 socket that speaks IPv4. */
static int way_mapped(void)
{
	const struct sockaddr_in *a4 = (struct sockaddr_in *)&job.to;
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = a4->sin_port};

	a6.sin6_addr.s6_addr[10] = a6.sin6_addr.s6_addr[11] = 0xff;
	memcpy(&a6.sin6_addr.s6_addr[12], &a4->sin_addr, 4);
	memcpy(&job.to, &a6, sizeof(a6));
	job.to_len = sizeof(a6);
	return line(linked(), "self");
}

static int way_mapped_sendto(void)
{
	const struct sockaddr_in *a4 = (struct sockaddr_in *)&job.to;
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = a4->sin_port};
	int fd = (int)must(socket(AF_INET6, SOCK_DGRAM, 0), "socket");

	a6.sin6_addr.s6_addr[10] = a6.sin6_addr.s6_addr[11] = 0xff;
	memcpy(&a6.sin6_addr.s6_addr[12], &a4->sin_addr, 4);
	return say_to(fd, (struct sockaddr *)&a6, sizeof(a6));
}

static int way_sendmmsg(void)
{
	char buf[512];
	struct iovec io = {buf, make_line(buf, "self")};
	struct mmsghdr m = {.msg_hdr = {.msg_iov = &io, .msg_iovlen = 1}};
	int fd = linked();

	pass_gate();
	if (sendmmsg(fd, &m, 1, 0) < 0 && errno != EPERM)
		return EXIT_BLOCKED;
	return answered(fd);
}

static int way_sendfile(void)
{
	int file = (int)must(memfd_create("line", MFD_CLOEXEC), "memfd_create"), fd = linked();
	char buf[512];
	size_t n = make_line(buf, "self");
	off_t from = 0;

	must(write(file, buf, n), "write");
	pass_gate();
	if (sendfile(fd, file, &from, n) < 0 && errno != EPERM)
		return EXIT_BLOCKED;
	return answered(fd);
}

static int way_zerocopy(void)
{
	int fd = linked(), one = 1;
	char buf[512];
	size_t n = make_line(buf, "self");

	if (setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)))
		no_way("SO_ZEROCOPY");
	pass_gate();
	if (send(fd, buf, n, MSG_ZEROCOPY) < 0 && errno != EPERM)
		return EXIT_BLOCKED;
	return answered(fd);
}

static int way_cork(void)
{
	int fd = linked(), on = 1, off = 0;
	char buf[512];
	size_t n = make_line(buf, "self");

	pass_gate();
	must(setsockopt(fd, IPPROTO_UDP, UDP_CORK, &on, sizeof(on)), "UDP_CORK");
	must(send(fd, buf, n / 2, 0), "send");
	must(send(fd, buf + n / 2, n - n / 2, 0), "send");
	setsockopt(fd, IPPROTO_UDP, UDP_CORK, &off, sizeof(off));
	return 0;
}

/* --- Descriptors ------------------------------------------------------------------------------ */

static int moved(int fd, long to)
{
	must(to, "duplicate");
	close(fd);
	return line((int)to, "self");
}

static int way_dup(void)
{
	int fd = linked();

	return moved(fd, dup(fd));
}

static int way_dup2(void)
{
	int fd = linked();

	return moved(fd, dup2(fd, 77));
}

static int way_dup3(void)
{
	int fd = linked();

	return moved(fd, dup3(fd, 78, O_CLOEXEC));
}

static int way_dupfd(void)
{
	int fd = linked();

	return moved(fd, fcntl(fd, F_DUPFD, 20));
}

static int way_dupfd_cloexec(void)
{
	int fd = linked();

	return moved(fd, fcntl(fd, F_DUPFD_CLOEXEC, 20));
}

static void allow_descriptors(rlim_t n)
{
	struct rlimit lim;

	must(getrlimit(RLIMIT_NOFILE, &lim), "getrlimit");
	if (lim.rlim_max < n) {
		errno = EMFILE;
		no_way("RLIMIT_NOFILE");
	}
	lim.rlim_cur = lim.rlim_max;
	must(setrlimit(RLIMIT_NOFILE, &lim), "setrlimit");
}

static int at_number(int number)
{
	int fd;

	allow_descriptors((rlim_t)number + 1);
	fd = linked();
	must(dup2(fd, number), "dup2");
	close(fd);
	return number;
}

static int way_fd_300(void)
{
	return line(at_number(300), "self");
}

static int way_fd_1500(void)
{
	return line(at_number(1500), "self");
}

static int way_fd_300_exit(void)
{
	return say_and_exit(at_number(300));
}

static int way_fd_1500_exit(void)
{
	return say_and_exit(at_number(1500));
}

/* Not moved there: opened where the low numbers are taken. */
static int way_fd_opened_high_exit(void)
{
	allow_descriptors(600);
	while (must(dup(2), "dup") < 500)
		;
	return say_and_exit(linked());
}

static int way_30_dups(void)
{
	int fd = linked();

	for (int i = 0; i < 29; i++)
		must(dup(fd), "dup");
	return line(fd, "self");
}

static int way_200_sockets(void)
{
	int fd[200], r = 0;

	for (int i = 0; i < 200; i++)
		fd[i] = fresh(0);
	for (int i = 0; i < 200 && !r; i += 66) {
		link_up(fd[i]);
		r = line_number(fd[i], i);
	}
	return r;
}

static int way_close_range(void)
{
	int fd = linked(), kept = (int)must(fcntl(fd, F_DUPFD, 50), "F_DUPFD");

	if (syscall(SYS_close_range, 3, 49, 0))
		no_way("close_range");
	return line(kept, "self");
}

static int way_epoll_dup(void)
{
	int fd = linked(), in[2], kept;

	must(pipe(in), "pipe");
	kept = (int)must(dup(fd), "dup");
	must(dup2(in[0], fd), "dup2"); /* the old number is something else now */
	return line(kept, "self");
}

/* Passed to itself on a Unix socket; the original is closed. */
static int way_scm_self(void)
{
	int fd = linked(), pair[2];

	must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), "socketpair");
	pass_descriptor(pair[0], fd);
	close(fd);
	return line(take_descriptor(pair[1]), "self");
}

/* A copy of it is under way, and nobody has taken it yet. */
static int way_scm_in_flight(void)
{
	int fd = linked(), pair[2];

	must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), "socketpair");
	pass_descriptor(pair[0], fd);
	return line(fd, "self");
}

static int way_scm_in_flight_exit(void)
{
	int fd = linked(), pair[2];

	must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), "socketpair");
	pass_descriptor(pair[0], fd);
	return say_and_exit(fd);
}

static int way_pidfd_getfd_self(void)
{
	int fd = linked(), me = (int)syscall(SYS_pidfd_open, getpid(), 0);
	long got = syscall(SYS_pidfd_getfd, me, fd, 0);

	if (got < 0)
		no_way("pidfd_getfd");
	return moved(fd, got);
}

/* --- Processes -------------------------------------------------------------------------------- */

static int way_fork_child(void)
{
	int fd = linked();
	pid_t pid = (pid_t)must(fork(), "fork");

	if (!pid)
		say_and_exit(fd);
	wait_child(pid);
	return 0;
}

static int way_fork_parent(void)
{
	int fd = linked(), until[2], r;
	pid_t pid;
	char byte;

	must(pipe(until), "pipe");
	pid = (pid_t)must(fork(), "fork");
	if (!pid) {
		close(until[1]);
		_exit(read(until[0], &byte, 1) < 0);
	}
	r = line(fd, "self");
	close(until[1]);
	wait_child(pid);
	return r;
}

/* Five children, all with it; each of them sends. */
static int way_fork_many(void)
{
	int fd = linked();
	pid_t pid[5];

	for (int i = 0; i < 5; i++) {
		pid[i] = (pid_t)must(fork(), "fork");
		if (!pid[i])
			_exit(line_number(fd, i));
	}
	for (int i = 0; i < 5; i++)
		wait_child(pid[i]);
	return 0;
}

static int way_fork_orphan(void)
{
	int fd = linked();
	pid_t parent = getpid(), pid = (pid_t)must(fork(), "fork");

	if (pid)
		_exit(0);
	await_end(parent);
	return line(fd, "self");
}

static int way_fork_orphan_exit(void)
{
	int fd = linked();
	pid_t parent = getpid(), pid = (pid_t)must(fork(), "fork");

	if (pid)
		_exit(0);
	await_end(parent);
	return say_and_exit(fd);
}

static int way_vfork(void)
{
	volatile int fd = linked();
	pid_t pid = vfork();

	if (!pid)
		_exit(line(fd, "self"));
	wait_child((pid_t)must(pid, "vfork"));
	return 0;
}

/* A process of its own with the same descriptor table. */
static pid_t fork_sharing_files(void)
{
	return (pid_t)must(syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL),
			   "clone");
}

static int way_files_child(void)
{
	int fd = linked();
	pid_t pid = fork_sharing_files();

	if (!pid)
		say_and_exit(fd);
	wait_child(pid);
	return 0;
}

/* Opened by the child, sent by the parent, while both live. */
static int way_files_parent(void)
{
	int opened[2], done[2], fd = -1, r;
	pid_t pid;

	must(pipe(opened) | pipe(done), "pipe");
	pid = fork_sharing_files();
	if (!pid) {
		fd = linked();
		must(write(opened[1], &fd, sizeof(fd)), "write");
		_exit(read(done[0], &fd, sizeof(fd)) < 0);
	}
	struct pollfd p = {.fd = opened[0], .events = POLLIN};
	if (poll(&p, 1, (int)wait_ms() * 2) < 1) /* the child could not connect */
		_exit(EXIT_BLOCKED);
	must(read(opened[0], &fd, sizeof(fd)), "read");
	r = line(fd, "self");
	must(write(done[1], &fd, sizeof(fd)), "write");
	wait_child(pid);
	return r;
}

/* Who opened it is gone. */
static int way_files_orphan(void)
{
	int box[2], fd = -1;
	pid_t pid;

	must(pipe(box), "pipe");
	pid = fork_sharing_files();
	if (!pid) {
		fd = linked();
		must(write(box[1], &fd, sizeof(fd)), "write");
		_exit(0);
	}
	wait_child(pid);
	close(box[1]);
	if (read(box[0], &fd, sizeof(fd)) != sizeof(fd))
		return EXIT_BLOCKED;
	return line(fd, "self");
}

static int way_files_exit(void)
{
	int fd = linked();
	pid_t pid = fork_sharing_files();

	if (pid)
		_exit(0);
	return say_and_exit(fd);
}

static int way_unshare_files(void)
{
	int fd = linked();
	pid_t pid = fork_sharing_files();

	if (!pid) {
		must(unshare(CLONE_FILES), "unshare");
		say_and_exit(fd);
	}
	wait_child(pid);
	return 0;
}

/* --- Threads ---------------------------------------------------------------------------------- */

static void *open_in_thread(void *fd)
{
	*(int *)fd = linked();
	return NULL;
}

static void *send_in_thread(void *fd)
{
	return (void *)(intptr_t)line(*(int *)fd, "self");
}

static void *send_in_thread_exit(void *fd)
{
	_exit(line(*(int *)fd, "self"));
}

static void *idle(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void *sleep_in_receive(void *fd)
{
	char byte;

	for (;;)
		recv(*(int *)fd, &byte, 1, MSG_PEEK | MSG_WAITALL);
	return NULL;
}

static pthread_t thread(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	if (pthread_create(&t, NULL, fn, arg))
		broken("pthread_create");
	return t;
}

static int way_thread_opens(void)
{
	int fd;

	pthread_join(thread(open_in_thread, &fd), NULL);
	return line(fd, "self");
}

static int way_thread_sends(void)
{
	int fd = linked();
	void *r;

	pthread_join(thread(send_in_thread, &fd), &r);
	return (int)(intptr_t)r;
}

static int way_thread_exits(void)
{
	int fd = linked();

	pthread_join(thread(send_in_thread_exit, &fd), NULL);
	return EXIT_BROKEN;
}

/* The main thread has ended: /proc/PID is a zombie's, its other thread sends. */
static int way_main_thread_ended(void)
{
	static int fd;

	fd = linked();
	thread(send_in_thread_exit, &fd);
	pthread_exit(NULL);
}

/* Another thread sleeps in recv(2), which is a reference to the socket that is no descriptor. */
static int way_thread_receives(void)
{
	int fd = linked(), r;

	thread(sleep_in_receive, &fd);
	usleep(2000); /* until it sleeps there, most likely */
	r = line(fd, "self");
	_exit(is_udp() ? r : 0);
}

/* Threads make send(2) itself hold a reference; a child that came and went may have kept one. */
static int way_thread_fork_exit(void)
{
	int fd = linked();
	pid_t pid;

	thread(idle, NULL);
	pid = (pid_t)must(fork(), "fork");
	if (!pid) {
		close(fd);
		_exit(0);
	}
	wait_child(pid);
	return say_and_exit(fd);
}

/* What syslog(3) or a name service does, in a program with threads. */
static int way_thread_unix_exit(void)
{
	int fd = linked(), pair[2];

	thread(idle, NULL);
	must(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), "socketpair");
	must(send(pair[0], "x", 1, 0), "send");
	return say_and_exit(fd);
}

/* The same without an end. */
static int way_thread_unix(void)
{
	int fd = linked(), pair[2];

	thread(idle, NULL);
	must(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), "socketpair");
	must(send(pair[0], "x", 1, 0), "send");
	return line(fd, "self");
}

static int way_thread_child_exit(void)
{
	int fd = linked();
	pid_t pid;

	thread(idle, NULL);
	pid = (pid_t)must(fork(), "fork");
	if (!pid)
		say_and_exit(fd);
	return 0;
}

/* --- Namespaces, other families, other entries to the kernel ------------------------------------
 */

/* The socket stays in the namespace where it was made, its process goes to $NETNS. */
static int way_setns(void)
{
	const char *path = getenv("NETNS");
	int fd = linked(), ns;

	if (!path)
		no_way("$NETNS");
	ns = (int)must(open(path, O_RDONLY), path);
	must(setns(ns, CLONE_NEWNET), "setns");
	return line(fd, "self");
}

static int way_setns_exit(void)
{
	const char *path = getenv("NETNS");
	int fd = linked(), ns;

	if (!path)
		no_way("$NETNS");
	ns = (int)must(open(path, O_RDONLY), path);
	must(setns(ns, CLONE_NEWNET), "setns");
	return say_and_exit(fd);
}

/* An echo request whose payload is the line; by a raw socket, or by one of no privilege. */
static int echo(int type)
{
	bool six = job.to.ss_family == AF_INET6;
	int fd = socket(job.to.ss_family, type, six ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	char packet[1024] = {six ? (char)128 : 8}, text[512];
	size_t n = 8;
	uint32_t sum = 0;

	if (fd < 0)
		no_way("ICMP socket");
	n += make_line(text, "self");
	memcpy(packet + 8, text, n - 8);
	if (n % 2)
		n++;
	for (size_t i = 0; i < n; i += 2)
		sum += (uint32_t)((unsigned char)packet[i] << 8 | (unsigned char)packet[i + 1]);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = ~(sum + (sum >> 16)) & 0xffff;
	packet[2] = (char)(sum >> 8);
	packet[3] = (char)sum;
	((struct sockaddr_in *)&job.to)->sin_port = 0;
	pass_gate();
	sendto(fd, packet, n, 0, (struct sockaddr *)&job.to, job.to_len);
	return 0;
}

static int way_ping(void)
{
	return echo(SOCK_DGRAM);
}

static int way_raw_icmp(void)
{
	return echo(SOCK_RAW);
}

#define PROTO_TEST 253 /* RFC 3692 */

static int way_raw(void)
{
	int fd = socket(job.to.ss_family, SOCK_RAW, PROTO_TEST);

	if (fd < 0)
		no_way("raw socket");
	((struct sockaddr_in *)&job.to)->sin_port = 0;
	return say_to(fd, (struct sockaddr *)&job.to, job.to_len);
}

/* A UDP datagram from a port of its choice, header and all. */
static int way_raw_forged(void)
{
	struct {
		struct ip ip;
		struct udphdr udp;
		char text[512];
	} __attribute__((packed))
	p = {.ip = {.ip_v = 4, .ip_hl = 5, .ip_ttl = 64, .ip_p = IPPROTO_UDP}};
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	char line_text[512];
	size_t n = make_line(line_text, "self");

	if (fd < 0)
		no_way("raw socket");
	memcpy(p.text, line_text, n);
	p.ip.ip_dst = ((struct sockaddr_in *)&job.to)->sin_addr;
	p.udp.uh_sport = htons(53);
	p.udp.uh_dport = htons((uint16_t)atoi(job.port));
	p.udp.uh_ulen = htons((uint16_t)(sizeof(p.udp) + n));
	((struct sockaddr_in *)&job.to)->sin_port = 0;
	pass_gate();
	sendto(fd, &p, sizeof(p.ip) + sizeof(p.udp) + n, 0, (struct sockaddr *)&job.to, job.to_len);
	return 0;
}

#ifdef __x86_64__
/* The 32-bit entry of the kernel, from a 64-bit program. */
static long int80(long nr, long a, long b, long c, long d)
{
	long r;

	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d)
			 : "memory", "r8", "r9", "r10", "r11");
	return r;
}

#define I386_SOCKET  359
#define I386_CONNECT 362
#define I386_WRITE   4

static int way_int80(void)
{
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	long fd = int80(I386_SOCKET, job.to.ss_family, job.type, 0, 0), n;

	if (low == MAP_FAILED)
		broken("mmap");
	if (fd < 0) {
		errno = (int)-fd;
		no_way("int 0x80");
	}
	set_patience((int)fd);
	memcpy(low, &job.to, job.to_len);
	if (int80(I386_CONNECT, fd, (long)(uintptr_t)low, job.to_len, 0))
		return EXIT_BLOCKED;
	n = (long)make_line(low, "self");
	pass_gate();
	int80(I386_WRITE, fd, (long)(uintptr_t)low, n, 0);
	return answered((int)fd);
}
#else
static int way_int80(void)
{
	return way_socket();
}
#endif

#endif
