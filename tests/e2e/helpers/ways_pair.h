/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ways of two programs: this one opens a socket, the other (a puppet that does what it is told)
 * comes to hold it. The tag of each line says who holds the socket at that moment: "self", "other"
 * or "both". By TCP, where a blocked line would come again later, only the last of them is sent.
 */
#ifndef HELPERS_WAYS_PAIR_H
#define HELPERS_WAYS_PAIR_H

#include <spawn.h>

#include "ways.h"

enum order_kind {
	ORDER_USE,     /* number: a descriptor it inherited */
	ORDER_RECEIVE, /* a descriptor that is passed next */
	ORDER_GET,     /* pid, number: with pidfd_getfd */
	ORDER_OPEN,    /* number: bound to that port, connected */
	ORDER_SAY,     /* tag */
	ORDER_CLOSE,
	ORDER_PASS_ON, /* to another puppet, which says the tag; its program is our argument */
	ORDER_OUTLIVE, /* pid: when it is gone, says the tag and ends */
	ORDER_END,
};

struct order {
	enum order_kind kind;
	int number;
	pid_t pid;
	char tag[32];
};

struct puppet {
	int control;
	pid_t pid;
};

enum birth { BY_FORK, BY_VFORK, BY_SPAWN, BY_SHARED_FILES };

static char **puppet_arguments(const char *program, int control)
{
	static char number[12];
	static char *argv[9];

	snprintf(number, sizeof(number), "%d", control);
	argv[0] = (char *)program;
	argv[1] = (char *)"puppet";
	argv[2] = (char *)job.variant;
	argv[3] = (char *)job.addr;
	argv[4] = (char *)job.port;
	argv[5] = (char *)job.text;
	argv[6] = number;
	argv[7] = (char *)program;
	return argv;
}

static const char *other_program(void)
{
	if (!job.more[0])
		broken("no other program is named");
	return job.more[0];
}

static pid_t give_birth(enum birth how, const char *program, int control)
{
	extern char **environ;
	char **argv = puppet_arguments(program, control);
	pid_t pid;

	if (how == BY_SPAWN) {
		if (posix_spawn(&pid, program, NULL, NULL, argv, environ))
			broken("posix_spawn");
		return pid;
	}
	if (how == BY_VFORK)
		pid = vfork();
	else if (how == BY_FORK)
		pid = fork();
	else
		pid = (pid_t)syscall(SYS_clone, CLONE_FILES | CLONE_VFORK | SIGCHLD, NULL, NULL,
				     NULL, NULL); /* exec gives it a table of its own */
	if (!pid) {
		execv(program, argv);
		_exit(EXIT_BROKEN);
	}
	return (pid_t)must(pid, "fork");
}

static struct puppet puppet_start(enum birth how)
{
	struct puppet p;
	int pair[2];

	must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), "socketpair");
	fcntl(pair[0], F_SETFD, FD_CLOEXEC);
	p.control = pair[0];
	p.pid = give_birth(how, other_program(), pair[1]);
	close(pair[1]);
	return p;
}

static void tell(const struct puppet *p, struct order o)
{
	must(send(p->control, &o, sizeof(o), MSG_NOSIGNAL), "order");
}

static void await_done(const struct puppet *p)
{
	char done;

	if (recv(p->control, &done, 1, 0) != 1)
		_exit(EXIT_BLOCKED);
}

static void do_order(const struct puppet *p, struct order o)
{
	tell(p, o);
	await_done(p);
}

static void puppet_says(const struct puppet *p, const char *tag)
{
	struct order o = {.kind = ORDER_SAY};

	snprintf(o.tag, sizeof(o.tag), "%s", tag);
	do_order(p, o);
}

/* A line that is not the last. */
static void puppet_says_first(const struct puppet *p, const char *tag)
{
	if (is_udp())
		puppet_says(p, tag);
}

static int puppet_end(const struct puppet *p)
{
	tell(p, (struct order){.kind = ORDER_END});
	wait_child(p->pid);
	return 0;
}

static void hand_over(const struct puppet *p, int fd)
{
	tell(p, (struct order){.kind = ORDER_RECEIVE});
	pass_descriptor(p->control, fd);
	await_done(p);
}

/* The puppet's side. */

static void pass_on(int fd, const char *tag)
{
	struct puppet next = puppet_start(BY_FORK);

	hand_over(&next, fd);
	close(fd);
	puppet_says(&next, tag);
	puppet_end(&next);
}

static int get_from(pid_t pid, int number)
{
	long pidfd = must(syscall(SYS_pidfd_open, pid, 0), "pidfd_open");
	long fd = syscall(SYS_pidfd_getfd, pidfd, number, 0);

	if (fd < 0)
		no_way("pidfd_getfd");
	close((int)pidfd);
	return (int)fd;
}

static int obey(int control, const struct order *o, int fd)
{
	switch (o->kind) {
	case ORDER_USE:
		return o->number;
	case ORDER_RECEIVE:
		return take_descriptor(control);
	case ORDER_GET:
		return get_from(o->pid, o->number);
	case ORDER_OPEN:
		fd = fresh(0);
		bind_to(fd, o->number);
		link_up(fd);
		return fd;
	case ORDER_SAY:
		line(fd, o->tag);
		return fd;
	case ORDER_CLOSE:
		close(fd);
		return -1;
	case ORDER_PASS_ON:
		pass_on(fd, o->tag);
		return -1;
	case ORDER_OUTLIVE:
	case ORDER_END:
		break;
	}
	return fd;
}

static int puppet(void)
{
	int control = atoi(job.more[0]), fd = -1;
	struct order o;

	job.more++; /* what is left is the program that ORDER_PASS_ON starts */
	fcntl(control, F_SETFD, FD_CLOEXEC);
	while (recv(control, &o, sizeof(o), 0) == sizeof(o)) {
		if (o.kind == ORDER_END)
			return 0;
		if (o.kind == ORDER_OUTLIVE) {
			send(control, "", 1, MSG_NOSIGNAL);
			await_end(o.pid);
			return line(fd, o.tag);
		}
		fd = obey(control, &o, fd);
		send(control, "", 1, MSG_NOSIGNAL); /* it may be gone */
	}
	return 0;
}

/* --- The ways --------------------------------------------------------------------------------- */

/* In place: this process becomes the other program, which finds the socket open. */
static int way_exec(void)
{
	int pair[2], fd = linked();
	struct order orders[] = {{.kind = ORDER_USE, .number = fd},
				 {.kind = ORDER_SAY, .tag = "other"},
				 {.kind = ORDER_END}};

	must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), "socketpair");
	for (int i = 0; i < 3; i++)
		must(send(pair[0], &orders[i], sizeof(orders[i]), 0), "order");
	execv(other_program(), puppet_arguments(other_program(), pair[1]));
	broken("exec");
}

static void *exec_in_thread(void *unused)
{
	way_exec();
	return unused;
}

static int way_thread_exec(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, exec_in_thread, NULL))
		broken("pthread_create");
	pause();
	return EXIT_BROKEN;
}

/* The child's copy is closed by exec: it never holds it. */
static int way_cloexec(void)
{
	int fd = fresh(SOCK_CLOEXEC), r;
	struct puppet p;

	link_up(fd);
	p = puppet_start(BY_FORK);
	do_order(&p, (struct order){.kind = ORDER_CLOSE}); /* it has come as far as to obey */
	r = line(fd, "self");
	puppet_end(&p);
	return r;
}

static int inherit(enum birth how)
{
	int fd = linked();
	struct puppet p = puppet_start(how);

	do_order(&p, (struct order){.kind = ORDER_USE, .number = fd});
	puppet_says_first(&p, "both.child-sent");
	if (is_udp())
		line(fd, "both.parent-sent");
	close(fd);
	puppet_says(&p, "other");
	return puppet_end(&p);
}

static int way_inherit(void)
{
	return inherit(BY_FORK);
}

static int way_inherit_vfork(void)
{
	return inherit(BY_VFORK);
}

static int way_inherit_spawn(void)
{
	return inherit(BY_SPAWN);
}

static int way_inherit_files(void)
{
	return inherit(BY_SHARED_FILES);
}

/* Only while both hold it. By TCP the line would come again when good alone does, and pass. */
static int way_inherit_both(void)
{
	int fd = linked();
	struct puppet p = puppet_start(BY_FORK);

	do_order(&p, (struct order){.kind = ORDER_USE, .number = fd});
	puppet_says(&p, "both.child-sent");
	return puppet_end(&p);
}

static int way_inherit_both_parent(void)
{
	int fd = linked();
	struct puppet p = puppet_start(BY_FORK);

	do_order(&p, (struct order){.kind = ORDER_USE, .number = fd});
	line(fd, "both.parent-sent");
	return puppet_end(&p);
}

static int way_inherit_outlive(void)
{
	int fd = linked();
	struct puppet p = puppet_start(BY_FORK);

	do_order(&p, (struct order){.kind = ORDER_USE, .number = fd});
	do_order(&p, (struct order){.kind = ORDER_OUTLIVE, .pid = getpid(), .tag = "other"});
	_exit(0);
}

static int way_inherit_child_closes(void)
{
	int fd = linked();
	struct puppet p = puppet_start(BY_FORK);
	int r;

	do_order(&p, (struct order){.kind = ORDER_USE, .number = fd});
	puppet_says_first(&p, "both");
	do_order(&p, (struct order){.kind = ORDER_CLOSE});
	r = line(fd, "self");
	puppet_end(&p);
	return r;
}

static int way_inherit_child_ends(void)
{
	int fd = linked();
	struct puppet p = puppet_start(BY_FORK);

	do_order(&p, (struct order){.kind = ORDER_USE, .number = fd});
	puppet_says_first(&p, "both");
	puppet_end(&p);
	return line(fd, "self");
}

static int way_scm(void)
{
	int fd = linked();
	struct puppet p = puppet_start(BY_FORK);

	/* The inherited copy first: from then on it is ours alone. */
	do_order(&p, (struct order){.kind = ORDER_USE, .number = fd});
	do_order(&p, (struct order){.kind = ORDER_CLOSE});
	if (is_udp())
		line(fd, "self");
	hand_over(&p, fd);
	puppet_says_first(&p, "both.taker-sent");
	if (is_udp())
		line(fd, "both.giver-sent");
	close(fd);
	puppet_says(&p, "other");
	return puppet_end(&p);
}

/* As most programs do it: opened after the other has started, so that it was never inherited. */
static int way_scm_fresh(void)
{
	struct puppet p = puppet_start(BY_FORK);
	int fd = linked();

	hand_over(&p, fd);
	close(fd);
	puppet_says(&p, "other");
	return puppet_end(&p);
}

static int way_scm_kept(void)
{
	struct puppet p = puppet_start(BY_FORK);
	int fd = linked();

	hand_over(&p, fd);
	puppet_says(&p, "both.taker-sent");
	return puppet_end(&p);
}

static int way_scm_kept_giver(void)
{
	struct puppet p = puppet_start(BY_FORK);
	int fd = linked();

	hand_over(&p, fd);
	line(fd, "both.giver-sent");
	return puppet_end(&p);
}

/* The giver is gone before the message is taken. */
static int way_scm_giver_exits(void)
{
	struct puppet p = puppet_start(BY_FORK);
	int fd = linked();
	struct order orders[] = {{.kind = ORDER_RECEIVE},
				 {.kind = ORDER_OUTLIVE, .pid = getpid(), .tag = "other"}};

	kill(p.pid, SIGSTOP);
	tell(&p, orders[0]);
	pass_descriptor(p.control, fd);
	tell(&p, orders[1]);
	kill(p.pid, SIGCONT);
	_exit(0);
}

static int way_scm_chain(void)
{
	struct puppet p = puppet_start(BY_FORK);
	int fd = linked();

	hand_over(&p, fd);
	close(fd);
	do_order(&p, (struct order){.kind = ORDER_PASS_ON, .tag = "other"});
	return puppet_end(&p);
}

/* On its way to the other, who has not taken it: it is still ours alone; then it is both's. */
static int way_scm_under_way(void)
{
	struct puppet p = puppet_start(BY_FORK);
	int fd = linked();

	kill(p.pid, SIGSTOP);
	tell(&p, (struct order){.kind = ORDER_RECEIVE});
	pass_descriptor(p.control, fd);
	line(fd, "self");
	kill(p.pid, SIGCONT);
	await_done(&p);
	if (is_udp()) {
		line(fd, "both.giver-sent");
		puppet_says(&p, "both.taker-sent");
	}
	return puppet_end(&p);
}

static int way_pidfd_getfd(void)
{
	struct puppet p = puppet_start(BY_FORK);
	int fd = linked();

	if (is_udp())
		line(fd, "self");
	do_order(&p, (struct order){.kind = ORDER_GET, .pid = getpid(), .number = fd});
	puppet_says_first(&p, "both.taker-sent");
	if (is_udp())
		line(fd, "both.owner-sent");
	close(fd);
	puppet_says(&p, "other");
	return puppet_end(&p);
}

static int way_pidfd_getfd_outlive(void)
{
	struct puppet p = puppet_start(BY_FORK);
	int fd = linked();

	do_order(&p, (struct order){.kind = ORDER_GET, .pid = getpid(), .number = fd});
	do_order(&p, (struct order){.kind = ORDER_OUTLIVE, .pid = getpid(), .tag = "other"});
	_exit(0);
}

/* --- Two sockets on one port ------------------------------------------------------------------ */

/*
 * Both programs at the same local port ($TURNS_PORT), by turns. Each line is as long as any other,
 * and with a prefix that is longer than what a fingerprint of a packet could hold.
 */
static int take_turns(bool alike)
{
	struct puppet p = puppet_start(BY_FORK);
	const char *name = getenv("TURNS_PORT");
	int port = name ? atoi(name) : 5000, fd = fresh(0);
	char tag[32];

	bind_to(fd, port);
	link_up(fd);
	do_order(&p, (struct order){.kind = ORDER_OPEN, .number = port});
	for (int i = 100; i < 160; i++) {
		struct order o = {.kind = ORDER_SAY};

		snprintf(tag, sizeof(tag), alike ? "%d.self " : "%d.self", i);
		snprintf(o.tag, sizeof(o.tag), "%d.other", i);
		tell(&p, o);
		line(fd, tag);
		await_done(&p);
	}
	return puppet_end(&p);
}

static int way_turns(void)
{
	return take_turns(false);
}

static int way_turns_alike(void)
{
	return take_turns(true);
}

#endif
