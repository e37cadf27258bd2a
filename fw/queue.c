// SPDX-License-Identifier: GPL-2.0-or-later
#include "queue.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backlog.h"
#include "clock.h"
#include "common/cleanup.h"
#include "queue_message.h"
#include "verdicts.h"

#define BURST_MAX  64  /* messages per receive call */
#define PLAN_MAX   256 /* verdict messages per send call */
#define RETRY_NS   1000000
#define RCVBUF_MAX (256 << 20)
#define TABLE_PATH "/proc/thread-self/net/netfilter/nfnetlink_queue"

struct queue {
	struct queue_options options;
	struct stats *stats;
	queue_judge_fn judge;
	queue_burst_fn before;
	void *cookie;

	struct loop *loop;
	struct mnl_socket *socket;
	struct loop_source *source;
	struct loop_timer *timer;
	bool timer_armed;
	struct verdicts *verdicts;

	int table_fd; /* TABLE_PATH, of the namespace that the queue was bound in */
	uint32_t dropped, user_dropped;
	uint32_t open_id; /* all before it have been judged, but those that are held */
	struct backlog backlog;
	uint64_t empty_ns; /* CLOCK_BOOTTIME: nothing that was queued before is unread */
	bool asks_uid;	   /* see queue_noted() */
	bool has_unnoted;
	uint64_t asked_ns; /* CLOCK_BOOTTIME: since when, if it was not asked before; or 0 */

	size_t stride;
	char *buffers; /* BURST_MAX of stride bytes */
	struct mmsghdr burst[BURST_MAX];
	struct iovec iov[BURST_MAX];
	struct verdict_message plan[PLAN_MAX];
	char out[PLAN_MAX * QUEUE_MESSAGE_VERDICT_MAX];
};

static const enum counter verdict_counter[] = {
	[VERDICT_ACCEPT] = COUNT_ACCEPTED, [VERDICT_DROP] = COUNT_DROPPED,
	[VERDICT_REJECT] = COUNT_REJECTED, [VERDICT_MARK] = COUNT_MARKED,
	[VERDICT_KILL] = COUNT_KILLED,
};
_Static_assert(sizeof(verdict_counter) / sizeof(verdict_counter[0]) == VERDICT_COUNT,
	       "every verdict has a counter");

static void count(struct queue *q, enum counter c, uint64_t n)
{
	q->stats->counter[c] += n;
}

static void arm(struct queue *q, uint64_t after_ns)
{
	loop_arm(q->timer, after_ns);
	q->timer_armed = true;
}

/* Without room nothing is read: the kernel's own queue then fills up, which it counts. */
static void listen_if_room(struct queue *q)
{
	if (q->source)
		loop_set_events(q->source, verdicts_room(q->verdicts) ? EPOLLIN : 0);
}

/* The kernel sends what was accepted on its way within the call: others may judge meanwhile. */
static int send_plan(struct queue *q, size_t n)
{
	uint64_t start = clock_ticks(), took;
	uint32_t packets = 0;
	size_t len = 0;
	int err;

	loop_unlock(q->loop);
	for (size_t i = 0; i < n; i++)
		len += queue_message_verdict(q->out + len, q->options.number, &q->plan[i]);
	err = mnl_socket_sendto(q->socket, q->out, len) < 0 ? -errno : 0;
	took = clock_ticks() - start;
	loop_lock(q->loop);
	if (err)
		return err;
	for (size_t i = 0; i < n; i++) {
		count(q, verdict_counter[q->plan[i].ruling.verdict], q->plan[i].n);
		packets += q->plan[i].n;
	}
	histogram_add(&q->stats->stage[STAGE_VERDICT], took / packets, packets);
	return 0;
}

/* Sends what is due. What the kernel has no memory for now is tried again. */
static void flush(struct queue *q)
{
	size_t n;

	loop_disarm(q->timer);
	q->timer_armed = false;
	while ((n = verdicts_plan(q->verdicts, q->options.batch_count, q->plan, PLAN_MAX))) {
		if (send_plan(q, n)) {
			count(q, COUNT_VERDICT_FAILED, n);
			arm(q, RETRY_NS);
			break;
		}
		verdicts_sent(q->verdicts, q->plan, n);
	}
	listen_if_room(q);
}

static void on_timer(void *cookie)
{
	flush(cookie);
}

static void judge_message(struct queue *q, const struct nlmsghdr *nlh, uint64_t *ticks)
{
	struct ruling ruling = {.verdict = VERDICT_DROP};
	struct queue_packet p;

	/* An error is the only answer that a verdict can have. */
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		count(q, COUNT_VERDICT_FAILED, 1);
		return;
	}
	if (queue_message_read(nlh, &p))
		return;
	p.empty_ns = q->empty_ns;
	p.all_noted = !q->asks_uid;
	p.asks_uid = q->asks_uid && q->empty_ns >= q->asked_ns;
	count(q, COUNT_QUEUED, 1);
	if (q->judge(q->cookie, q, &p, ticks, &ruling)) {
		verdicts_hold(q->verdicts, p.id);
		*ticks = clock_ticks();
	} else {
		verdicts_judge(q->verdicts, p.id, ruling);
	}
	q->open_id = p.id + 1;
	if (verdicts_due(q->verdicts) >= q->options.batch_count) {
		flush(q);
		*ticks = clock_ticks();
	}
}

/* One datagram: the kernel puts one message into each. */
static void judge_datagram(struct queue *q, unsigned int i, uint64_t *ticks)
{
	struct nlmsghdr *nlh = q->iov[i].iov_base;
	int len = (int)q->burst[i].msg_len;

	if (len < (int)sizeof(*nlh))
		return;
	/* A packet whose tail did not fit still has its id in front, and must get a verdict. */
	if (nlh->nlmsg_len > (uint32_t)len)
		nlh->nlmsg_len = (uint32_t)len;
	if (mnl_nlmsg_ok(nlh, len))
		judge_message(q, nlh, ticks);
}

/* Returns how many datagrams came. *all: no more are there. */
static unsigned int receive(struct queue *q, bool *all)
{
	size_t room = verdicts_room(q->verdicts);
	unsigned int most = room < BURST_MAX ? (unsigned int)room : BURST_MAX;
	uint64_t start, took;
	bool overflow;
	int n;

	loop_unlock(q->loop);
	start = clock_ticks();
	n = recvmmsg(mnl_socket_get_fd(q->socket), q->burst, most, MSG_DONTWAIT, NULL);
	overflow = n < 0 && errno == ENOBUFS;
	*all = n >= 0 ? n < (int)most : errno == EAGAIN;
	took = clock_ticks() - start;
	loop_lock(q->loop);
	if (overflow)
		count(q, COUNT_QUEUE_OVERFLOW, 1);
	if (n <= 0)
		return 0;
	histogram_add(&q->stats->stage[STAGE_RECEIVE], took / (unsigned int)n, (uint64_t)n);
	return (unsigned int)n;
}

static void on_readable(void *cookie, uint32_t events)
{
	struct queue *q = cookie;
	uint64_t began_ns = clock_boot_ns();
	bool all;
	unsigned int n = receive(q, &all);
	uint64_t ticks;

	(void)events;
	if (n && q->before)
		q->before(q->cookie, q);
	ticks = clock_ticks();
	for (unsigned int i = 0; i < n; i++)
		judge_datagram(q, i, &ticks);
	if (all)
		q->empty_ns = began_ns;
	/* When no more packets are there, waiting would only delay those that are. */
	if (verdicts_due(q->verdicts)) {
		if (n < BURST_MAX || !q->options.batch_wait_ns)
			flush(q);
		else if (!q->timer_armed)
			arm(q, q->options.batch_wait_ns);
	}
	listen_if_room(q);
	loop_worked(q->loop, n, began_ns);
}

/* In this turn of the loop, but after whatever else the caller has to release. */
void queue_release(struct queue *q, uint32_t id, struct ruling ruling)
{
	if (verdicts_release(q->verdicts, id, ruling))
		arm(q, 0);
}

struct loop *queue_loop(const struct queue *q)
{
	return q->loop;
}

const struct queue_options *queue_options(const struct queue *q)
{
	return &q->options;
}

/* Large enough that the kernel's queue is full before the socket is: that loss is the clearer one.
 */
static void size_socket(struct queue *q)
{
	uint64_t want = (uint64_t)q->options.max_length * 2 * q->stride;
	int size = want < RCVBUF_MAX ? (int)want : RCVBUF_MAX;
	int fd = mnl_socket_get_fd(q->socket);

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

/* Sends a request that no packet can come before the answer to, and waits for that answer. */
static int request(struct queue *q, struct nlmsghdr *nlh)
{
	char answer[512] __attribute__((aligned(8)));
	ssize_t n;

	nlh->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(q->socket, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	n = mnl_socket_recvfrom(q->socket, answer, sizeof(answer));
	if (n < 0 || mnl_cb_run(answer, (size_t)n, 0, 0, NULL, NULL) < 0)
		return -errno;
	return 0;
}

/*
 * What became of a bind request that asked for no ack, as an ack would stand behind packets that
 * came meanwhile. An error stands first: it means that the queue is not ours, so no packet comes.
 * The kernel answers before the request's sendto() returns.
 */
static int bind_error(struct queue *q)
{
	struct {
		struct nlmsghdr nlh;
		struct nlmsgerr err;
	} first;
	ssize_t n =
		recv(mnl_socket_get_fd(q->socket), &first, sizeof(first), MSG_PEEK | MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == ENOBUFS ? 0 : -errno;
	if (n < (ssize_t)sizeof(first) || first.nlh.nlmsg_type != NLMSG_ERROR)
		return 0;
	return first.err.error;
}

static int bind_queue(struct queue *q)
{
	char buf[QUEUE_MESSAGE_CONFIG_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *nlh;
	int err;

	/* Does nothing since Linux 3.8 but tell the EPERM for lack of CAP_NET_ADMIN apart. */
	err = request(q, queue_message_command(buf, 0, NFQNL_CFG_CMD_PF_BIND));
	if (err)
		return err;
	nlh = queue_message_bind(buf, &q->options);
	if (mnl_socket_sendto(q->socket, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	err = bind_error(q);
	return err == -EPERM || err == -EEXIST ? -EBUSY : err;
}

/*
 * Anybody with CAP_NET_ADMIN here may send to our port; but only the kernel has port 0, and to a
 * socket that is connected to it, it delivers from nobody else (netlink_getsockbyportid() in
 * net/netlink/af_netlink.c). What came before that is thrown away.
 */
static int hear_kernel_only(struct mnl_socket *s)
{
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	int fd = mnl_socket_get_fd(s);
	char byte;

	if (connect(fd, (const struct sockaddr *)&kernel, sizeof(kernel)))
		return -errno;
	while (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT) >= 0 || errno == ENOBUFS)
		;
	return errno == EAGAIN ? 0 : -errno;
}

static int open_socket(struct queue *q)
{
	int err;

	q->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!q->socket || mnl_socket_bind(q->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	err = hear_kernel_only(q->socket);
	if (err)
		return err;
	size_socket(q);
	err = bind_queue(q);
	if (err)
		return err;
	/* Not before: what is bound first may load the kernel's module, and that makes the file. */
	q->table_fd = open(TABLE_PATH, O_RDONLY | O_CLOEXEC);
	return q->table_fd < 0 ? -errno : 0;
}

static size_t stride_for(uint32_t bytes)
{
	uint32_t copy = bytes < QUEUE_MESSAGE_COPY_MAX ? bytes : QUEUE_MESSAGE_COPY_MAX;

	return MNL_ALIGN(copy) + QUEUE_MESSAGE_OVERHEAD;
}

static void use_buffers(struct queue *q, char *buffers, size_t stride)
{
	q->stride = stride;
	q->buffers = buffers;
	for (size_t i = 0; i < BURST_MAX; i++) {
		q->iov[i] = (struct iovec){q->buffers + i * q->stride, q->stride};
		q->burst[i].msg_hdr = (struct msghdr){.msg_iov = &q->iov[i], .msg_iovlen = 1};
	}
}

static int prepare_buffers(struct queue *q)
{
	size_t stride = stride_for(q->options.copy_bytes);
	char *buffers = malloc(BURST_MAX * stride);

	q->verdicts = verdicts_new(q->options.max_length);
	if (!buffers || !q->verdicts) {
		free(buffers);
		return -ENOMEM;
	}
	use_buffers(q, buffers, stride);
	return 0;
}

/* Larger buffers come before larger packets, smaller ones after them: what is queued already is
 * cut to what fits, and has its verdict by its head. */
int queue_copy(struct queue *q, uint32_t bytes)
{
	char buf[QUEUE_MESSAGE_CONFIG_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = queue_message_copy(buf, q->options.number, bytes);
	size_t stride = stride_for(bytes);
	char *buffers;

	if (bytes == q->options.copy_bytes)
		return 0;
	buffers = malloc(BURST_MAX * stride);
	if (!buffers)
		return -ENOMEM;
	if (mnl_socket_sendto(q->socket, nlh, nlh->nlmsg_len) < 0) {
		int e = -errno;

		free(buffers);
		return e;
	}
	free(q->buffers);
	use_buffers(q, buffers, stride);
	q->options.copy_bytes = bytes;
	size_socket(q);
	return 0;
}

static void ask_uid(struct queue *q, bool ask)
{
	char buf[QUEUE_MESSAGE_CONFIG_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = queue_message_ask_uid(buf, q->options.number, ask);

	if (mnl_socket_sendto(q->socket, nlh, nlh->nlmsg_len) < 0)
		return; /* the next packet asks again */
	q->asks_uid = ask;
	q->asked_ns = clock_boot_ns();
}

void queue_noted(struct queue *q, bool noted)
{
	q->has_unnoted |= !noted;
	if (noted ? q->asks_uid && !q->has_unnoted : !q->asks_uid)
		ask_uid(q, !noted);
}

/* Closing the socket unbinds the queue; the kernel drops what is still in it. */
static void queue_free(struct queue *q)
{
	loop_remove_fd(q->source);
	loop_remove_timer(q->timer);
	if (q->socket)
		mnl_socket_close(q->socket);
	if (q->table_fd >= 0)
		close(q->table_fd);
	verdicts_free(q->verdicts);
	free(q->buffers);
	free(q);
}

static int queue_start(struct queue *q, struct loop *loop)
{
	int err = prepare_buffers(q);

	q->loop = loop;
	if (!err)
		err = open_socket(q);
	if (err)
		return err;
	q->timer = loop_add_timer(loop, on_timer, q);
	if (!q->timer)
		return -errno;
	q->source = loop_add_busy_fd(loop, mnl_socket_get_fd(q->socket), EPOLLIN, on_readable, q);
	return q->source ? 0 : -errno;
}

int queue_open(struct loop *loop, const struct queue_options *options, struct stats *stats,
	       queue_judge_fn judge, queue_burst_fn before, void *cookie, struct queue **out)
{
	struct queue *q;
	int err;

	if (!options->batch_count || !options->copy_bytes || !options->max_length)
		return -EINVAL;
	q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	q->options = *options;
	q->stats = stats;
	q->judge = judge;
	q->before = before;
	q->cookie = cookie;
	q->table_fd = -EBADF;
	q->asks_uid = true;
	err = queue_start(q, loop);
	if (err) {
		queue_free(q);
		return err;
	}
	*out = q;
	return 0;
}

void queue_close(struct queue *q)
{
	uint32_t id;

	if (!q)
		return;
	/* The kernel would drop them anyway, but nobody would count it. */
	while (verdicts_first_held(q->verdicts, &id))
		verdicts_release(q->verdicts, id, (struct ruling){.verdict = VERDICT_DROP});
	flush(q);
	queue_free(q);
}

/* What the kernel says of a queue. Its counters start at 0 with each bind, and wrap at 2^32. */
struct row {
	uint32_t waiting, dropped, user_dropped, last_id;
};

/* The row of our queue: number, port id, packets that wait, copy mode, copy range, dropped, user
 * dropped, last id, 1. */
static int find_row(const struct queue *q, FILE *f, struct row *out)
{
	uint32_t number, port;
	char line[256];

	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%u %u %u %*u %*u %u %u %u", &number, &port, &out->waiting,
			   &out->dropped, &out->user_dropped, &out->last_id) == 6 &&
		    number == q->options.number && port == mnl_socket_get_portid(q->socket))
			return 0;
	return ferror(f) ? -EIO : -ENOENT;
}

static int read_row(const struct queue *q, struct row *out)
{
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_close_ int fd = -1;

	fd = fcntl(q->table_fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	f = fdopen(fd, "r");
	if (!f)
		return -errno;
	fd = -1; /* closed with f */
	return find_row(q, f, out);
}

int queue_poll(struct queue *q)
{
	struct backlog_look look = {.now_ns = clock_boot_ns()};
	struct row row;
	int err = read_row(q, &row);

	if (err) {
		count(q, COUNT_QUEUE_UNREAD, 1);
		return err;
	}
	count(q, COUNT_QUEUE_DROPPED, row.dropped - q->dropped);
	count(q, COUNT_QUEUE_USER_DROPPED, row.user_dropped - q->user_dropped);
	q->dropped = row.dropped;
	q->user_dropped = row.user_dropped;
	look.last_id = row.last_id;
	look.waiting = row.waiting;
	if (!verdicts_first_held(q->verdicts, &look.open_id))
		look.open_id = q->open_id;
	backlog_look(&q->backlog, &look);
	return 0;
}

uint64_t queue_judged_ns(const struct queue *q)
{
	return q->backlog.judged_ns;
}
