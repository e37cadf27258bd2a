/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ways WAY VARIANT ADDR PORT TEXT [MORE...]: comes to hold a socket by that way and sends one or
 * more lines "TEXT.TAG", the tag saying who holds the socket. VARIANT starts with "udp" or "tcp".
 * ways list alone|pair|uring|other: the ways of that group, each with the variants that it has.
 *
 *   $WAIT_MS  how long to wait for a connection or an answer (1000)
 *   $SPORT    local port of the socket
 *   $GATE     a FIFO: the first line waits until somebody writes to it
 *   $PIDFD    set: it has had a pidfd of itself
 *
 * Exit 0 when all was sent, and answered by TCP; 1 when it was blocked; 2 when the way did not
 * work; 99, and a line "not here: WAY: reason", when the kernel does not have it.
 *
 * Scenarios append bytes to copies of this program: same behaviour, different digests.
 */
#include "ways.h"
#include "ways_alone.h"
#include "ways_pair.h"
#include "ways_uring.h"

#include <linux/sched.h>
#include <sys/prctl.h>

#define ALL "udp4 udp6 tcp4 tcp6"
#define TWO "udp4 tcp4"

/* --- Servers ---------------------------------------------------------------------------------- */

static int begin_to_listen(int fd)
{
	must(listen(fd, 64), "listen");
	printf("listening\n");
	fflush(stdout);
	return fd;
}

static int listener_of(int protocol)
{
	int fd = (int)must(socket(job.to.ss_family, SOCK_STREAM, protocol), "socket"), one = 1;

	must(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), "SO_REUSEADDR");
	must(bind(fd, (struct sockaddr *)&job.to, job.to_len), "bind");
	return begin_to_listen(fd);
}

static int listener(void)
{
	return listener_of(0);
}

/* Is given its port as it begins to listen, and there is but one that it may be given; before linux
 * 6.3, bound as any other. */
static int listener_unbound(void)
{
	uint32_t port = ntohs(((const struct sockaddr_in *)&job.to)->sin_port);
	uint32_t range = port << 16 | port;
	int fd = (int)must(socket(AF_INET, SOCK_STREAM, 0), "socket");

	if (!setsockopt(fd, IPPROTO_IP, 51 /* IP_LOCAL_PORT_RANGE */, &range, sizeof(range)))
		return begin_to_listen(fd);
	close(fd);
	return listener();
}

/* Answers each line with one of its own; the connection was accepted by that call. */
static int serve(int fd)
{
	char buf[512];
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
		send(fd, buf, make_line(buf, "self"), MSG_NOSIGNAL);
	return 0;
}

static int way_accept(void)
{
	return serve((int)must(accept(listener(), NULL, NULL), "accept"));
}

static int way_accept_unbound(void)
{
	return serve((int)must(accept(listener_unbound(), NULL, NULL), "accept"));
}

static int way_accept_mptcp(void)
{
	return serve((int)must(accept(listener_of(IPPROTO_MPTCP), NULL, NULL), "accept"));
}

static int way_accept4(void)
{
	return serve((int)must(accept4(listener(), NULL, NULL, SOCK_CLOEXEC), "accept4"));
}

static int way_accept_dup(void)
{
	int fd = (int)must(accept(listener(), NULL, NULL), "accept"), kept = dup2(fd, 200);

	close(fd);
	return serve(kept);
}

/* A scenario ends what it has started, not the children of that. */
static void end_with_parent(void)
{
	must(prctl(PR_SET_PDEATHSIG, SIGKILL), "PR_SET_PDEATHSIG");
}

static int way_accept_fork(void)
{
	int fd = (int)must(accept(listener(), NULL, NULL), "accept");
	pid_t pid = (pid_t)must(fork(), "fork");

	if (!pid) {
		end_with_parent();
		_exit(serve(fd));
	}
	close(fd);
	wait_child(pid);
	return 0;
}

static int way_accept_uring(void)
{
	int fd = listener();
	struct ring r;

	setenv("GATE", "", 1); /* no limit of time */
	ring_open(&r, 0);
	return serve((int)must(ring_accept(&r, fd), "IORING_OP_ACCEPT"));
}

/* Six workers wait at one listener. */
static int way_workers(void)
{
	int fd = listener(), c;

	for (int i = 0; i < 6; i++) {
		if (must(fork(), "fork"))
			continue;
		end_with_parent();
		for (;;) {
			c = (int)must(accept(fd, NULL, NULL), "accept");
			serve(c);
			close(c);
		}
	}
	pause();
	return 0;
}

/* --- What arrives by raw sockets ---------------------------------------------------------------
 */

static void print_text(const char *p, ssize_t n)
{
	for (ssize_t i = 0; i < n && (unsigned char)p[i] >= 10 && (unsigned char)p[i] < 127; i++)
		putchar(p[i]);
	fflush(stdout);
}

/* Prints the payload of each echo request, and of the protocol for tests. */
static int sniff(void)
{
	struct pollfd p[] = {{.fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), .events = POLLIN},
			     {.fd = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6), .events = POLLIN},
			     {.fd = socket(AF_INET, SOCK_RAW, PROTO_TEST), .events = POLLIN},
			     {.fd = socket(AF_INET6, SOCK_RAW, PROTO_TEST), .events = POLLIN}};
	static const size_t header[] = {28, 8, 20, 0};
	char buf[2048];
	ssize_t n;

	printf("listening\n");
	fflush(stdout);
	while (poll(p, 4, -1) > 0)
		for (int i = 0; i < 4; i++) {
			if (!p[i].revents)
				continue;
			n = recv(p[i].fd, buf, sizeof(buf), 0);
			if (n > (ssize_t)header[i])
				print_text(buf + header[i], n - (ssize_t)header[i]);
		}
	return 0;
}

/* --- Many short lives ------------------------------------------------------------------------- */

static void run_way(const char *program, const char *way, const char *text)
{
	execl(program, program, way, job.variant, job.addr, job.port, text, (char *)NULL);
	_exit(EXIT_BROKEN);
}

/* A child with that process id, which is nobody's any more; with 0 as it comes. */
static pid_t fork_as(pid_t wanted)
{
	struct clone_args args = {.exit_signal = SIGCHLD,
				  .set_tid = wanted ? (uintptr_t)&wanted : 0,
				  .set_tid_size = wanted ? 1 : 0};
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid < 0 && errno != EEXIST)
		no_way("clone3 with a chosen pid");
	return (pid_t)pid;
}

/*
 * relay VARIANT ADDR PORT TEXT COUNT pid|any WAY PROGRAM...: one program after the other, COUNT in
 * all, goes that way; with "pid" all of them have one process id. The text is TEXT.NAME.NUMBER.
 */
static int relay(void)
{
	int count = atoi(job.more[0]), programs = 0, status;
	bool same_pid = !strcmp(job.more[1], "pid");
	char **program = job.more + 3, text[256];
	pid_t pid, wanted = 0;

	while (program[programs])
		programs++;
	for (int i = 0; i < count; i++) {
		const char *name = strrchr(program[i % programs], '/') + 1;

		snprintf(text, sizeof(text), "%s.%s.%d", job.text, name, i);
		do
			pid = fork_as(wanted);
		while (pid < 0 && errno == EEXIST);
		if (!pid)
			run_way(program[i % programs], job.more[2], text);
		must(waitpid(pid, &status, 0), "waitpid");
		if (WIFEXITED(status) && WEXITSTATUS(status) >= EXIT_BROKEN)
			return WEXITSTATUS(status);
		if (same_pid)
			wanted = pid;
	}
	return 0;
}

/* --- The table -------------------------------------------------------------------------------- */

static const struct way {
	const char *name;
	int (*fn)(void);
	const char *group, *variants;
} ways[] = {
	{"socket", way_socket, "alone", ALL},
	{"exit", way_exit, "alone", ALL},
	{"killed", way_killed, "alone", TWO},
	{"sendto", way_sendto, "alone", "udp4 udp6"},
	{"wildcard", way_wildcard, "alone", "udp4 udp6"},
	{"mapped", way_mapped, "alone", TWO},
	{"mapped-sendto", way_mapped_sendto, "alone", "udp4"},
	{"sendmmsg", way_sendmmsg, "alone", "udp4 udp6"},
	{"sendfile", way_sendfile, "alone", TWO},
	{"zerocopy", way_zerocopy, "alone", TWO},
	{"cork", way_cork, "alone", "udp4 udp6"},
	{"dup", way_dup, "alone", ALL},
	{"dup2", way_dup2, "alone", TWO},
	{"dup3", way_dup3, "alone", TWO},
	{"dupfd", way_dupfd, "alone", TWO},
	{"dupfd-cloexec", way_dupfd_cloexec, "alone", TWO},
	{"fd-300", way_fd_300, "alone", TWO},
	{"fd-1500", way_fd_1500, "alone", TWO},
	{"fd-300-exit", way_fd_300_exit, "alone", "udp4"},
	{"fd-1500-exit", way_fd_1500_exit, "alone", "udp4"},
	{"fd-opened-high-exit", way_fd_opened_high_exit, "alone", "udp4"},
	{"30-dups", way_30_dups, "alone", TWO},
	{"200-sockets", way_200_sockets, "alone", TWO},
	{"close-range", way_close_range, "alone", TWO},
	{"number-reused", way_epoll_dup, "alone", TWO},
	{"scm-self", way_scm_self, "alone", TWO},
	{"scm-in-flight", way_scm_in_flight, "alone", TWO},
	{"scm-in-flight-exit", way_scm_in_flight_exit, "alone", "udp4"},
	{"pidfd-getfd-self", way_pidfd_getfd_self, "alone", TWO},
	{"fork-child", way_fork_child, "alone", ALL},
	{"fork-parent", way_fork_parent, "alone", TWO},
	{"fork-many", way_fork_many, "alone", "udp4"},
	{"fork-orphan", way_fork_orphan, "alone", TWO},
	{"fork-orphan-exit", way_fork_orphan_exit, "alone", "udp4"},
	{"vfork", way_vfork, "alone", TWO},
	{"files-child", way_files_child, "alone", TWO},
	{"files-parent", way_files_parent, "alone", TWO},
	{"files-orphan", way_files_orphan, "alone", TWO},
	{"files-exit", way_files_exit, "alone", "udp4"},
	{"unshare-files", way_unshare_files, "alone", TWO},
	{"thread-opens", way_thread_opens, "alone", TWO},
	{"thread-sends", way_thread_sends, "alone", TWO},
	{"thread-exits", way_thread_exits, "alone", "udp4"},
	{"main-thread-ended", way_main_thread_ended, "alone", "udp4"},
	{"thread-receives", way_thread_receives, "alone", "udp4"},
	{"thread-fork-exit", way_thread_fork_exit, "alone", "udp4"},
	{"thread-unix", way_thread_unix, "alone", TWO},
	{"thread-unix-exit", way_thread_unix_exit, "alone", "udp4"},
	{"thread-child-exit", way_thread_child_exit, "alone", "udp4"},
	{"int80", way_int80, "alone", TWO},
	{"raw", way_raw, "raw", "udp4 udp6"},
	{"raw-icmp", way_raw_icmp, "raw", "udp4"},
	{"raw-forged", way_raw_forged, "raw", "udp4"},
	{"ping", way_ping, "raw", "udp4 udp6"},
	{"setns", way_setns, "netns", TWO},
	{"setns-exit", way_setns_exit, "netns", "udp4"},
	{"uring-send", way_uring_send, "uring", TWO},
	{"uring-socket", way_uring_socket, "uring", TWO},
	{"uring-worker", way_uring_worker, "uring", TWO},
	{"uring-direct", way_uring_direct, "uring", TWO},
	{"uring-direct-worker", way_uring_direct_worker, "uring", TWO},
	{"uring-sqpoll", way_uring_sqpoll, "uring", TWO},
	{"uring-sqpoll-direct", way_uring_sqpoll_direct, "uring", TWO},
	{"uring-register", way_uring_register, "uring", TWO},
	{"uring-registered", way_uring_registered, "uring", TWO},
	{"uring-fork", way_uring_fork, "uring", "udp4"},
	{"exec", way_exec, "pair", TWO},
	{"thread-exec", way_thread_exec, "pair", "udp4"},
	{"cloexec", way_cloexec, "pair", TWO},
	{"inherit", way_inherit, "pair", TWO},
	{"inherit-vfork", way_inherit_vfork, "pair", TWO},
	{"inherit-spawn", way_inherit_spawn, "pair", "udp4"},
	{"inherit-files", way_inherit_files, "pair", "udp4"},
	{"inherit-both", way_inherit_both, "pair", "udp4 udp6"},
	{"inherit-both-parent", way_inherit_both_parent, "pair", "udp4 udp6"},
	{"inherit-outlive", way_inherit_outlive, "pair", TWO},
	{"inherit-child-closes", way_inherit_child_closes, "pair", TWO},
	{"inherit-child-ends", way_inherit_child_ends, "pair", TWO},
	{"scm", way_scm, "pair", TWO},
	{"scm-fresh", way_scm_fresh, "pair", TWO},
	{"scm-kept", way_scm_kept, "pair", "udp4 udp6"},
	{"scm-kept-giver", way_scm_kept_giver, "pair", "udp4 udp6"},
	{"scm-giver-exits", way_scm_giver_exits, "pair", TWO},
	{"scm-chain", way_scm_chain, "pair", TWO},
	{"scm-under-way", way_scm_under_way, "pair", TWO},
	{"pidfd-getfd", way_pidfd_getfd, "pair", TWO},
	{"pidfd-getfd-outlive", way_pidfd_getfd_outlive, "pair", TWO},
	{"turns", way_turns, "turns", "udp4 udp6"},
	{"turns-alike", way_turns_alike, "turns", "udp4 udp6"},
	{"accept", way_accept, "server", "tcp4"},
	{"accept4", way_accept4, "server", "tcp4"},
	{"accept-unbound", way_accept_unbound, "server", "tcp4"},
	{"accept-mptcp", way_accept_mptcp, "server", "tcp4"},	    /* both sides speak it */
	{"accept-mptcp-plain", way_accept_mptcp, "server", "tcp4"}, /* only the server */
	{"accept-dup", way_accept_dup, "server", "tcp4"},
	{"accept-fork", way_accept_fork, "server", "tcp4"},
	{"accept-uring", way_accept_uring, "server", "tcp4"},
	{"workers", way_workers, "tool", ""},
	{"puppet", puppet, "tool", ""},
	{"relay", relay, "tool", ""},
	{"sniff", sniff, "tool", ""},
};

#define WAYS (sizeof(ways) / sizeof(ways[0]))

static int list(const char *group)
{
	for (size_t i = 0; i < WAYS; i++)
		if (!strcmp(ways[i].group, group))
			printf("%s %s\n", ways[i].name, ways[i].variants);
	return 0;
}

static int usage(void)
{
	fputs("usage: ways WAY VARIANT ADDR PORT TEXT [MORE...]\n", stderr);
	return EXIT_BROKEN;
}

int main(int argc, char *argv[])
{
	if (argc == 3 && !strcmp(argv[1], "list"))
		return list(argv[2]);
	if (argc < 6)
		return usage();
	job = (struct job){.way = argv[1],
			   .variant = argv[2],
			   .addr = argv[3],
			   .port = argv[4],
			   .text = argv[5],
			   .more = argv + 6,
			   .type = strncmp(argv[2], "tcp", 3) ? SOCK_DGRAM : SOCK_STREAM};
	if (!parse_address(job.addr, job.port, &job.to, &job.to_len))
		return usage();
	if (getenv("PIDFD"))
		close((int)must(syscall(SYS_pidfd_open, getpid(), 0), "pidfd_open"));
	for (size_t i = 0; i < WAYS; i++)
		if (!strcmp(ways[i].name, job.way))
			return ways[i].fn();
	return usage();
}
