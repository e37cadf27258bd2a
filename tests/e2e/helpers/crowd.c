/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crowd [-s] [-x PROGRAM] [-n SPEAKERS] [-w MS] PROCESSES SOCKETS KINDS ADDR PORT: PROCESSES
 * children, each with SOCKETS sockets of its own, or with -s all with the parent's. KINDS is
 * repeated: "t" a TCP connection to ADDR PORT, "u" a connected UDP socket, "l" a TCP listener, "d"
 * a UDP socket without an address, "s" a TCP socket without one. Prints "crowded" when all are
 * there.
 *
 * Then, for each line "WHO TEXT" of standard input, WHO sends TEXT on the last SPEAKERS (1) of its
 * sockets that are t, u or d, and waits up to MS (300) for an answer on each. WHO is "all" (one
 * after the other; with -s only the last child), "self" (the parent), or a child's number from 0.
 * Prints "said TEXT: A of N answered". At the end of its input it ends, and its children with it.
 *
 * With -s -x PROGRAM the last child executes that, a copy of this one, and has only the last
 * socket.
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
#include <unistd.h>

#define ORDERS 3 /* a child's end of its pipe */
#define ANSWER 4 /* what it answers to; shared */

struct crowd {
	bool shared;
	size_t processes, sockets, speakers;
	int wait_ms;
	const char *kinds;
	const char *program; /* that the last child executes; NULL: none */
	struct sockaddr_in to;
	int *fd;      /* sockets of them */
	int *orders;  /* to each child; -1: it takes none */
	int answer;   /* from all children */
	int answers;  /* to the parent */
	pid_t parent; /* who must live for the children to */
};

struct outcome {
	int answered, asked;
};

static void die(const char *what)
{
	fprintf(stderr, "crowd: %s: %s\n", what, strerror(errno));
	exit(1);
}

static char kind_of(const struct crowd *c, size_t i)
{
	return c->kinds[i % strlen(c->kinds)];
}

static bool speaks(char kind)
{
	return kind == 't' || kind == 'u' || kind == 'd';
}

static int open_one(const struct crowd *c, char kind)
{
	bool datagram = kind == 'u' || kind == 'd';
	int fd = socket(AF_INET, datagram ? SOCK_DGRAM : SOCK_STREAM, 0);

	if (fd < 0)
		die("socket");
	if ((kind == 't' || kind == 'u') &&
	    connect(fd, (const struct sockaddr *)&c->to, sizeof(c->to)))
		die("connect");
	if (kind == 'l' && listen(fd, 1))
		die("listen");
	return fd;
}

static void open_all(struct crowd *c)
{
	c->fd = calloc(c->sockets, sizeof(*c->fd));
	if (!c->fd)
		die("memory");
	for (size_t i = 0; i < c->sockets; i++)
		c->fd[i] = open_one(c, kind_of(c, i));
}

/* Whether an answer came. */
static bool say_one(const struct crowd *c, int fd, char kind, const char *text)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char line[128], answer[256];
	int n = snprintf(line, sizeof(line), "%s\n", text);
	const void *to = kind == 'd' ? &c->to : NULL;

	while (recv(fd, answer, sizeof(answer), MSG_DONTWAIT) > 0)
		; /* late answers to what was said before */
	if (sendto(fd, line, (size_t)n, MSG_NOSIGNAL, to, to ? sizeof(c->to) : 0) != n)
		return false;
	return poll(&p, 1, c->wait_ms) == 1 && recv(fd, answer, sizeof(answer), MSG_DONTWAIT) > 0;
}

static struct outcome say(const struct crowd *c, const char *text)
{
	struct outcome o = {0, 0};

	for (size_t i = c->sockets; i-- > 0 && o.asked < (int)c->speakers;) {
		if (!speaks(kind_of(c, i)))
			continue;
		o.asked++;
		o.answered += say_one(c, c->fd[i], kind_of(c, i), text);
	}
	return o;
}

static _Noreturn void obey(const struct crowd *c)
{
	char text[64];
	ssize_t n;

	while ((n = read(ORDERS, text, sizeof(text) - 1)) > 0) {
		struct outcome o;

		text[n] = 0;
		o = say(c, text);
		if (write(ANSWER, &o, sizeof(o)) != sizeof(o))
			break;
	}
	_exit(0);
}

static _Noreturn void be_child(struct crowd *c, int orders)
{
	struct outcome there = {0, 0};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != c->parent)
		_exit(1);
	if (!c->shared) {
		int answer = fcntl(c->answer, F_DUPFD, ORDERS + 2);

		orders = fcntl(orders, F_DUPFD, answer + 1);
		dup2(orders, ORDERS);
		dup2(answer, ANSWER);
		close_range(ANSWER + 1, ~0U, 0);
		open_all(c);
		if (write(ANSWER, &there, sizeof(there)) != sizeof(there))
			_exit(1);
	} else if (orders >= 0) {
		dup2(orders, ORDERS);
		dup2(c->answer, ANSWER);
	}
	while (orders < 0)
		pause();
	if (c->program) {
		char fd[16], wait_ms[16];

		snprintf(fd, sizeof(fd), "%d", c->fd[c->sockets - 1]);
		snprintf(wait_ms, sizeof(wait_ms), "%d", c->wait_ms);
		execl(c->program, "crowd", "-f", fd, "-w", wait_ms, NULL);
		die(c->program);
	}
	obey(c);
}

/* With -s the pipes' ends would be in all later children: only the last has one. */
static void fork_one(struct crowd *c, size_t i)
{
	int ends[2] = {-1, -1};
	pid_t pid;

	if ((!c->shared || i + 1 == c->processes) && pipe(ends))
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid)
		be_child(c, ends[0]);
	if (ends[0] >= 0)
		close(ends[0]);
	c->orders[i] = ends[1];
}

static struct outcome heard(const struct crowd *c)
{
	struct outcome o;

	if (read(c->answers, &o, sizeof(o)) != sizeof(o))
		die("a child has ended");
	return o;
}

static void gather(struct crowd *c)
{
	int ends[2];

	c->parent = getpid();
	c->orders = calloc(c->processes + 1, sizeof(*c->orders));
	if (!c->orders)
		die("memory");
	/* What children take for their own is not to be anything else's by chance. */
	while (dup(STDERR_FILENO) < ANSWER)
		;
	if (pipe(ends))
		die("pipe");
	c->answers = ends[0];
	c->answer = ends[1];
	if (c->shared)
		open_all(c);
	for (size_t i = 0; i < c->processes; i++)
		fork_one(c, i);
	close(c->answer);
	for (size_t i = 0; i < c->processes && !c->shared; i++)
		heard(c);
	puts("crowded");
	fflush(stdout);
}

static struct outcome tell(const struct crowd *c, size_t i, const char *text)
{
	struct outcome none = {0, 0};

	if (i >= c->processes || c->orders[i] < 0)
		return none;
	if (write(c->orders[i], text, strlen(text)) < 0)
		die("a child has ended");
	return heard(c);
}

static void listen_to_input(struct crowd *c)
{
	char who[16], text[64];

	while (scanf("%15s %63s", who, text) == 2) {
		struct outcome sum = {0, 0};
		bool all = !strcmp(who, "all");
		size_t from = all ? 0 : (size_t)atoi(who);

		if (!strcmp(who, "self"))
			sum = say(c, text);
		else
			for (size_t i = from; i < (all ? c->processes : from + 1); i++) {
				struct outcome o = tell(c, i, text);

				sum.asked += o.asked;
				sum.answered += o.answered;
			}
		printf("said %s: %d of %d answered\n", text, sum.answered, sum.asked);
		fflush(stdout);
	}
}

static int usage(void)
{
	fputs("usage: crowd [-s] [-x PROGRAM] [-n SPEAKERS] [-w MS] PROCESSES SOCKETS KINDS ADDR "
	      "PORT\n",
	      stderr);
	return 2;
}

int main(int argc, char *argv[])
{
	struct crowd c = {.speakers = 1, .wait_ms = 300, .to = {.sin_family = AF_INET}};
	int opt, fd = -1;

	while ((opt = getopt(argc, argv, "sn:w:x:f:")) != -1)
		switch (opt) {
		case 's':
			c.shared = true;
			break;
		case 'n':
			c.speakers = (size_t)atoi(optarg);
			break;
		case 'x':
			c.program = optarg;
			break;
		case 'f':
			fd = atoi(optarg);
			break;
		case 'w':
			c.wait_ms = atoi(optarg);
			break;
		default:
			return usage();
		}
	if (fd >= 0) {
		c.fd = &fd;
		c.sockets = 1;
		c.kinds = "u";
		obey(&c);
	}
	if (argc - optind != 5 || inet_pton(AF_INET, argv[optind + 3], &c.to.sin_addr) != 1)
		return usage();
	c.processes = (size_t)atoi(argv[optind]);
	c.sockets = (size_t)atoi(argv[optind + 1]);
	c.kinds = argv[optind + 2];
	c.to.sin_port = htons((uint16_t)atoi(argv[optind + 4]));
	if (!c.kinds[0])
		return usage();
	gather(&c);
	listen_to_input(&c);
	return 0;
}
