/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * churn ADDR PORT TAG SEED ROUNDS EVIL LIBRARY CTL: sends datagrams "TAG good N" while nothing that
 * is denied holds the socket, is mapped, or is sent to; and "TAG evil-WAY N" while something is. In
 * each round it does one of the ways to come from the one to the other and back, by chance: it
 * loads LIBRARY, has anonymous executable memory, forks a process that executes EVIL, passes the
 * socket to EVIL or has it taken by it, sends to PORT + 1, or has a rule put in force by CTL. It is
 * this program that knows what is the case: each step is over before it goes on. Threads, forks and
 * duplicates that change nothing come in between.
 *
 * EVIL is this program with another digest: "churn hold" holds what it inherits, "churn talk FD
 * PORT TAG ADDR" sends by it and then does, "churn serve" takes descriptors from standard input.
 * CTL is called with "deny" or "allow", TAG and PORT. Prints how many of each it has sent. Exit 0;
 * 1 when a step failed; 2 on a wrong call.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BURST	40
#define PACE_NS 20000L /* so that the receiver's queue does not overflow */

struct churn {
	struct sockaddr_in to;
	const char *tag, *evil, *library, *ctl;
	char port[8];
	int fd;
	int server; /* socket to "churn serve" */
	pid_t server_pid;
	uint64_t random;
	const char *way; /* "evil-" and how */
	unsigned int good, bad;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static unsigned int chance(struct churn *c, unsigned int n)
{
	c->random ^= c->random << 13;
	c->random ^= c->random >> 7;
	c->random ^= c->random << 17;
	return (unsigned int)(c->random % n);
}

static void send_one(int fd, const struct sockaddr_in *to, const char *tag, const char *kind,
		     unsigned int n)
{
	char line[64];
	int size = snprintf(line, sizeof(line), "%s %s %u\n", tag, kind, n);

	sendto(fd, line, (size_t)size, MSG_DONTWAIT, (const struct sockaddr *)to, sizeof(*to));
	nanosleep(&(struct timespec){.tv_nsec = PACE_NS}, NULL);
}

static void send_good(struct churn *c)
{
	for (unsigned int i = chance(c, 2 * BURST); i > 0; i--)
		send_one(c->fd, &c->to, c->tag, "good", c->good++);
}

static void send_evil_to(struct churn *c, const struct sockaddr_in *to)
{
	for (unsigned int i = 1 + chance(c, BURST / 4); i > 0; i--)
		send_one(c->fd, to, c->tag, c->way, c->bad++);
}

static void send_evil(struct churn *c)
{
	send_evil_to(c, &c->to);
}

static void load_library(struct churn *c)
{
	void *library = dlopen(c->library, RTLD_NOW);

	if (!library)
		die(dlerror());
	send_evil(c);
	dlclose(library);
}

static void map_anonymous(struct churn *c)
{
	bool later = chance(c, 2);
	int prot = later ? PROT_READ | PROT_WRITE : PROT_READ | PROT_EXEC;
	void *memory = mmap(NULL, 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED || (later && mprotect(memory, 4096, PROT_READ | PROT_EXEC)))
		die("mmap");
	send_evil(c);
	munmap(memory, 4096);
}

/* A child that executes EVIL; it has said on *told that it runs. */
static pid_t start_evil(struct churn *c, const char *role, const char *const more[4])
{
	int pipe_fds[2];
	char byte;
	pid_t pid;

	if (pipe(pipe_fds))
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		dup2(pipe_fds[1], STDOUT_FILENO);
		close(pipe_fds[0]);
		close(pipe_fds[1]);
		execl(c->evil, "churn", role, more[0], more[1], more[2], more[3], (char *)NULL);
		_exit(1);
	}
	close(pipe_fds[1]);
	if (read(pipe_fds[0], &byte, 1) != 1)
		die("evil");
	close(pipe_fds[0]);
	return pid;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	if (waitpid(pid, NULL, 0) != pid)
		die("waitpid");
}

static void fork_evil(struct churn *c)
{
	static const char *const none[4];
	pid_t pid = start_evil(c, "hold", none);

	send_evil(c);
	end_child(pid);
}

/* It sends as well, before it says that it is there. */
static void evil_talks(struct churn *c)
{
	char fd[16];
	const char *more[4] = {fd, c->port, c->tag, inet_ntoa(c->to.sin_addr)};
	pid_t pid;

	snprintf(fd, sizeof(fd), "%d", c->fd);
	pid = start_evil(c, "talk", more);
	send_evil(c);
	end_child(pid);
	c->bad += 5;
}

/* A word to the server, with the socket or without, and its answer. */
static void ask_server(struct churn *c, char word, bool with_socket)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)),
			      .cmsg_level = SOL_SOCKET,
			      .cmsg_type = SCM_RIGHTS}};
	struct iovec part = {&word, 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	memcpy(CMSG_DATA(&control.head), &c->fd, sizeof(c->fd));
	if (with_socket) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
	}
	if (sendmsg(c->server, &message, 0) != 1 || read(c->server, &word, 1) != 1)
		die("server");
}

static void pass_to_evil(struct churn *c)
{
	ask_server(c, 'k', true);
	send_evil(c);
	ask_server(c, 'c', false);
}

/* The server takes it: which process and descriptor, it is told. */
static void taken_by_evil(struct churn *c)
{
	int32_t what[2] = {getpid(), c->fd};
	char word = 't';

	if (write(c->server, &word, 1) != 1 ||
	    write(c->server, what, sizeof(what)) != sizeof(what) || read(c->server, &word, 1) != 1)
		die("server");
	send_evil(c);
	ask_server(c, 'c', false);
}

/* One socket, two destinations; one of them is denied. */
static void alternate(struct churn *c)
{
	struct sockaddr_in there = c->to;

	there.sin_port = htons((uint16_t)(ntohs(c->to.sin_port) + 1));
	for (int i = 0; i < 10; i++) {
		send_one(c->fd, &c->to, c->tag, "good", c->good++);
		send_one(c->fd, &there, c->tag, c->way, c->bad++);
	}
}

extern char **environ;

static void call_ctl(struct churn *c, const char *verb, const char *rule)
{
	const char *argv[] = {c->ctl, verb, rule, c->port, NULL};
	int status;
	pid_t pid;

	if (posix_spawn(&pid, c->ctl, NULL, NULL, (char *const *)argv, environ) ||
	    waitpid(pid, &status, 0) != pid || status)
		die("ctl");
}

static void change_rules(struct churn *c)
{
	call_ctl(c, "deny", c->tag);
	send_evil(c);
	call_ctl(c, "allow", c->tag);
}

/* What changes nothing. */

static void fork_good(struct churn *c)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0)
		for (;;)
			pause();
	send_good(c);
	end_child(pid);
}

static void *duplicate(void *arg)
{
	const struct churn *c = arg;

	for (int i = 0; i < 20; i++)
		close(dup(c->fd));
	return NULL;
}

static void duplicate_beside(struct churn *c)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, duplicate, c))
		die("pthread_create");
	send_good(c);
	pthread_join(thread, NULL);
}

static void move_descriptor(struct churn *c)
{
	int other = dup(c->fd);

	close(c->fd);
	c->fd = other;
	send_good(c);
}

static void start_server(struct churn *c)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		die("socketpair");
	c->server_pid = fork();
	if (c->server_pid == 0) {
		dup2(pair[1], STDIN_FILENO);
		execl(c->evil, "churn", "serve", (char *)NULL);
		_exit(1);
	}
	close(pair[1]);
	c->server = pair[0];
}

/* --- What EVIL does --- */

static int take_fd(void)
{
	int32_t what[2];
	int pidfd, fd;

	if (read(STDIN_FILENO, what, sizeof(what)) != sizeof(what))
		return -1;
	pidfd = (int)syscall(SYS_pidfd_open, what[0], 0);
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, what[1], 0);
	close(pidfd);
	return fd;
}

static int serve(void)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	char word;
	int held = -1;

	for (;;) {
		struct iovec part = {&word, 1};
		struct msghdr message = {.msg_iov = &part,
					 .msg_iovlen = 1,
					 .msg_control = &control,
					 .msg_controllen = sizeof(control)};

		if (recvmsg(STDIN_FILENO, &message, 0) != 1)
			return 0;
		if (word == 'k')
			memcpy(&held, CMSG_DATA(&control.head), sizeof(held));
		else if (word == 't')
			held = take_fd();
		else
			close(held);
		if (write(STDIN_FILENO, &word, 1) != 1)
			return 0;
	}
}

static int hold(void)
{
	if (write(STDOUT_FILENO, "h", 1) != 1)
		return 1;
	for (;;)
		pause();
}

static int talk(char *argv[])
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[3]))};

	if (inet_pton(AF_INET, argv[5], &to.sin_addr) != 1)
		return 1;
	for (unsigned int i = 0; i < 5; i++)
		send_one(atoi(argv[2]), &to, argv[4], "evil-talk", i);
	return hold();
}

static int run(struct churn *c, unsigned int rounds)
{
	static const struct {
		const char *way;
		void (*fn)(struct churn *c);
	} evil[] = {
		{"evil-library", load_library}, {"evil-anonymous", map_anonymous},
		{"evil-fork", fork_evil},	{"evil-talk", evil_talks},
		{"evil-passed", pass_to_evil},	{"evil-taken", taken_by_evil},
		{"evil-port", alternate},	{"evil-rule", change_rules},
	};
	static void (*const harmless[])(struct churn * c) = {
		send_good, send_good, send_good, fork_good, duplicate_beside, move_descriptor,
	};
	unsigned int chosen;
	const unsigned int n_evil = sizeof(evil) / sizeof(evil[0]);
	const unsigned int n_harmless = sizeof(harmless) / sizeof(harmless[0]);

	for (unsigned int i = 0; i < rounds; i++) {
		for (unsigned int j = chance(c, 6); j > 0; j--)
			harmless[chance(c, n_harmless)](c);
		/* Each in its turn at first, so that none is left out. */
		chosen = i < n_evil ? i : chance(c, n_evil);
		c->way = evil[chosen].way;
		evil[chosen].fn(c);
	}
	printf("good %u evil %u\n", c->good, c->bad);
	return fflush(stdout) ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct churn c = {.to = {.sin_family = AF_INET}};

	if (argc == 2 && strcmp(argv[1], "serve") == 0)
		return serve();
	if (argc == 2 && strcmp(argv[1], "hold") == 0)
		return hold();
	if (argc == 6 && strcmp(argv[1], "talk") == 0)
		return talk(argv);
	if (argc != 9 || inet_pton(AF_INET, argv[1], &c.to.sin_addr) != 1) {
		fputs("usage: churn ADDR PORT TAG SEED ROUNDS EVIL LIBRARY CTL\n", stderr);
		return 2;
	}
	c.to.sin_port = htons((uint16_t)atoi(argv[2]));
	snprintf(c.port, sizeof(c.port), "%s", argv[2]);
	c.tag = argv[3];
	c.random = strtoull(argv[4], NULL, 10) * 0x9e3779b97f4a7c15ull + 1;
	c.evil = argv[6];
	c.library = argv[7];
	c.ctl = argv[8];
	start_server(&c);
	c.fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (c.fd < 0 || c.server_pid < 0)
		die("socket");
	return run(&c, (unsigned int)atoi(argv[5]));
}
