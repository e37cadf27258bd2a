/* SPDX-License-Identifier: GPL-2.0-or-later */
/* io_uring by its system calls alone: one operation at a time, and the ways that need it. */
#ifndef HELPERS_WAYS_URING_H
#define HELPERS_WAYS_URING_H

#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "ways.h"

struct ring {
	int fd;
	bool polled; /* the kernel has a thread that submits */
	struct io_uring_params p;
	char *sq, *cq;
	struct io_uring_sqe *sqes;
};

/* A socket as the ring knows it: a descriptor, or a slot of the ring's own table. */
struct end {
	int fd;
	unsigned int flags; /* IOSQE_* */
};

static unsigned int *at(char *base, unsigned int offset)
{
	return (unsigned int *)(base + offset);
}

static void ring_map(struct ring *r)
{
	size_t sq = r->p.sq_off.array + r->p.sq_entries * sizeof(unsigned int);
	size_t cq = r->p.cq_off.cqes + r->p.cq_entries * sizeof(struct io_uring_cqe);
	size_t sqes = r->p.sq_entries * sizeof(struct io_uring_sqe);
	int prot = PROT_READ | PROT_WRITE;

	r->sq = mmap(NULL, sq, prot, MAP_SHARED, r->fd, IORING_OFF_SQ_RING);
	r->cq = mmap(NULL, cq, prot, MAP_SHARED, r->fd, IORING_OFF_CQ_RING);
	r->sqes = mmap(NULL, sqes, prot, MAP_SHARED, r->fd, IORING_OFF_SQES);
	if (r->sq == MAP_FAILED || r->cq == MAP_FAILED || r->sqes == MAP_FAILED)
		broken("mmap of the ring");
}

/* An operation may never complete: then the process ends. */
static void limit_time(void)
{
	struct itimerval limit = {.it_value = {wait_ms() / 1000, wait_ms() % 1000 * 1000}};

	if (!getenv("GATE"))
		setitimer(ITIMER_REAL, &limit, NULL);
}

static void ring_open(struct ring *r, unsigned int flags)
{
	memset(r, 0, sizeof(*r));
	r->p.flags = flags;
	r->p.sq_thread_idle = 2000;
	r->polled = flags & IORING_SETUP_SQPOLL;
	r->fd = (int)syscall(SYS_io_uring_setup, 8, &r->p);
	if (r->fd < 0)
		no_way("io_uring_setup");
	ring_map(r);
	limit_time();
}

static void ring_submit(struct ring *r)
{
	unsigned int flags = IORING_ENTER_GETEVENTS;

	if (r->polled &&
	    __atomic_load_n(at(r->sq, r->p.sq_off.flags), __ATOMIC_SEQ_CST) & IORING_SQ_NEED_WAKEUP)
		flags |= IORING_ENTER_SQ_WAKEUP;
	must(syscall(SYS_io_uring_enter, r->fd, r->polled ? 0 : 1, 1, flags, NULL, 0),
	     "io_uring_enter");
}

/* Does one operation; returns its result. */
static int ring_do(struct ring *r, const struct io_uring_sqe *sqe)
{
	unsigned int *tail = at(r->sq, r->p.sq_off.tail), *head = at(r->cq, r->p.cq_off.head);
	unsigned int slot = *tail & *at(r->sq, r->p.sq_off.ring_mask);
	struct io_uring_cqe *cqe;
	int res;

	r->sqes[slot] = *sqe;
	at(r->sq, r->p.sq_off.array)[slot] = slot;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(at(r->cq, r->p.cq_off.tail), __ATOMIC_ACQUIRE) == *head)
		ring_submit(r);
	cqe = (struct io_uring_cqe *)(r->cq + r->p.cq_off.cqes);
	res = cqe[*head & *at(r->cq, r->p.cq_off.ring_mask)].res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return res;
}

static int ring_register(struct ring *r, unsigned int op, const void *arg, unsigned int n)
{
	return (int)syscall(SYS_io_uring_register, r->fd, op, arg, n);
}

static void ring_table(struct ring *r)
{
	struct io_uring_rsrc_register table = {.nr = 8, .flags = IORING_RSRC_REGISTER_SPARSE};

	if (ring_register(r, IORING_REGISTER_FILES2, &table, sizeof(table)) < 0)
		no_way("an empty file table");
}

static struct end ring_socket(struct ring *r, bool direct)
{
	struct io_uring_sqe sqe = {.opcode = IORING_OP_SOCKET,
				   .fd = job.to.ss_family,
				   .off = (unsigned int)job.type,
				   .file_index = direct ? 1 : 0};
	int res;

	if (direct)
		ring_table(r);
	res = ring_do(r, &sqe);
	if (res < 0) {
		errno = -res;
		no_way("IORING_OP_SOCKET");
	}
	return direct ? (struct end){0, IOSQE_FIXED_FILE} : (struct end){res, 0};
}

static void ring_connect(struct ring *r, struct end e)
{
	struct io_uring_sqe sqe = {.opcode = IORING_OP_CONNECT,
				   .flags = (unsigned char)e.flags,
				   .fd = e.fd,
				   .addr = (uintptr_t)&job.to,
				   .off = job.to_len};

	if (ring_do(r, &sqe))
		_exit(EXIT_BLOCKED);
}

static int ring_line(struct ring *r, struct end e, const char *tag)
{
	char buf[512], answer[64];
	struct io_uring_sqe send = {.opcode = IORING_OP_SEND,
				    .flags = (unsigned char)e.flags,
				    .fd = e.fd,
				    .addr = (uintptr_t)buf,
				    .len = (unsigned int)make_line(buf, tag),
				    .msg_flags = MSG_NOSIGNAL};
	struct io_uring_sqe recv = {.opcode = IORING_OP_RECV,
				    .flags = (unsigned char)e.flags,
				    .fd = e.fd,
				    .addr = (uintptr_t)answer,
				    .len = sizeof(answer)};

	pass_gate();
	limit_time();
	ring_do(r, &send);
	if (is_udp())
		return 0;
	return ring_do(r, &recv) > 0 ? 0 : EXIT_BLOCKED;
}

static int uring(unsigned int ring_flags, bool direct, unsigned int send_flags)
{
	struct ring r;
	struct end e;

	ring_open(&r, ring_flags);
	e = ring_socket(&r, direct);
	ring_connect(&r, e);
	e.flags |= send_flags;
	return ring_line(&r, e, "self");
}

static int way_uring_send(void)
{
	struct end e = {linked(), 0};
	struct ring r;

	ring_open(&r, 0);
	return ring_line(&r, e, "self");
}

static int way_uring_socket(void)
{
	return uring(0, false, 0);
}

static int way_uring_worker(void)
{
	return uring(0, false, IOSQE_ASYNC);
}

static int way_uring_direct(void)
{
	return uring(0, true, 0);
}

static int way_uring_direct_worker(void)
{
	return uring(0, true, IOSQE_ASYNC);
}

static int way_uring_sqpoll(void)
{
	return uring(IORING_SETUP_SQPOLL, false, 0);
}

static int way_uring_sqpoll_direct(void)
{
	return uring(IORING_SETUP_SQPOLL, true, 0);
}

/* Registered with the ring, then closed: no descriptor is left. */
static int way_uring_register(void)
{
	int fd = linked();
	struct ring r;

	ring_open(&r, 0);
	must(ring_register(&r, IORING_REGISTER_FILES, &fd, 1), "IORING_REGISTER_FILES");
	close(fd);
	return ring_line(&r, (struct end){0, IOSQE_FIXED_FILE}, "self");
}

/* Registered as well as open: one reference more than descriptors. */
static int way_uring_registered(void)
{
	int fd = linked();
	struct ring r;

	ring_open(&r, 0);
	must(ring_register(&r, IORING_REGISTER_FILES, &fd, 1), "IORING_REGISTER_FILES");
	return line(fd, "self");
}

/* The child submits to the ring it inherited; the parent is the one who opened the socket in it. */
static int way_uring_fork(void)
{
	struct ring r;
	struct end e;
	pid_t pid;

	ring_open(&r, 0);
	e = ring_socket(&r, true);
	ring_connect(&r, e);
	pid = (pid_t)must(fork(), "fork");
	if (!pid)
		_exit(ring_line(&r, e, "self"));
	wait_child(pid);
	return 0;
}

static int ring_accept(struct ring *r, int listener)
{
	struct io_uring_sqe sqe = {.opcode = IORING_OP_ACCEPT, .fd = listener};

	return ring_do(r, &sqe);
}

#endif
