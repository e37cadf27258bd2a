// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The least that a program behind NFQUEUE can do: accept everything, unseen. What it costs is what
 * any firewall there costs before it has decided anything, so it is the baseline of every
 * benchmark. GSO packets, 256 bytes of each copied (--copy N: so many), one receive call and one
 * batch verdict per burst.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define QUEUES_MAX   64
#define BURST_MAX    64
#define COPY_BYTES   256
#define COPY_MAX     65531 /* NFQNL_MAX_COPY_RANGE */
#define MESSAGE_ROOM 1024
#define QUEUE_LENGTH 8192
#define RCVBUF	     (64 << 20)

struct acceptor {
	unsigned int n, copy;
	uint16_t number[QUEUES_MAX];
	struct mnl_socket *socket[QUEUES_MAX];
	struct pollfd poll[QUEUES_MAX];
	struct mmsghdr burst[BURST_MAX];
	struct iovec iov[BURST_MAX];
	char *buffers; /* BURST_MAX of copy and MESSAGE_ROOM */
};

static volatile sig_atomic_t stop;

static void on_signal(int signal_number)
{
	(void)signal_number;
	stop = 1;
}

/* "N" or "N-M". */
static int add_queues(struct acceptor *a, const char *text)
{
	char *end;
	unsigned long first = strtoul(text, &end, 10), last = first;

	if (*end == '-')
		last = strtoul(end + 1, &end, 10);
	if (end == text || *end || first > last || last > UINT16_MAX ||
	    last - first >= QUEUES_MAX - a->n)
		return -EINVAL;
	for (unsigned long number = first; number <= last; number++)
		a->number[a->n++] = (uint16_t)number;
	return 0;
}

static bool set_copy(struct acceptor *a, const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	a->copy = (unsigned int)n;
	return end > text && !*end && n > 0 && n <= COPY_MAX;
}

/* The kernel has answered an error, if there is one, before any packet can come. */
static int bind_error(struct mnl_socket *s)
{
	struct {
		struct nlmsghdr nlh;
		struct nlmsgerr err;
	} first;
	ssize_t n = recv(mnl_socket_get_fd(s), &first, sizeof(first), MSG_PEEK | MSG_DONTWAIT);

	if (n == (ssize_t)sizeof(first) && first.nlh.nlmsg_type == NLMSG_ERROR)
		return first.err.error;
	return 0;
}

static int bind_queue(struct acceptor *a, unsigned int i)
{
	char buf[MNL_NLMSG_HDRLEN + 128] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, a->number[i]);
	int rcvbuf = RCVBUF, fd;

	nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
	nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_PACKET, (int)a->copy);
	nfq_nlmsg_cfg_put_qmaxlen(nlh, QUEUE_LENGTH);
	mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(NFQA_CFG_F_GSO));
	mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(NFQA_CFG_F_GSO));
	a->socket[i] = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!a->socket[i] || mnl_socket_bind(a->socket[i], 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	fd = mnl_socket_get_fd(a->socket[i]);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &rcvbuf, sizeof(rcvbuf));
	a->poll[i] = (struct pollfd){.fd = fd, .events = POLLIN};
	if (mnl_socket_sendto(a->socket[i], nlh, nlh->nlmsg_len) < 0)
		return -errno;
	return bind_error(a->socket[i]);
}

static int prepare_buffers(struct acceptor *a)
{
	size_t stride = MNL_ALIGN(a->copy) + MESSAGE_ROOM;

	a->buffers = malloc(BURST_MAX * stride);
	if (!a->buffers)
		return -ENOMEM;
	for (unsigned int i = 0; i < BURST_MAX; i++) {
		a->iov[i] = (struct iovec){a->buffers + i * stride, stride};
		a->burst[i].msg_hdr = (struct msghdr){.msg_iov = &a->iov[i], .msg_iovlen = 1};
	}
	return 0;
}

static bool packet_id(const struct mmsghdr *m, uint32_t *id)
{
	const struct nlmsghdr *nlh = m->msg_hdr.msg_iov->iov_base;
	const struct nlattr *attr;
	struct nfqnl_msg_packet_hdr header;

	if (!mnl_nlmsg_ok(nlh, (int)m->msg_len) || nlh->nlmsg_type == NLMSG_ERROR)
		return false;
	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(attr) != NFQA_PACKET_HDR ||
		    mnl_attr_get_payload_len(attr) < sizeof(header))
			continue;
		memcpy(&header, mnl_attr_get_payload(attr), sizeof(header));
		*id = ntohl(header.packet_id);
		return true;
	}
	return false;
}

/* Accepts everything up to the last packet that came. */
static void accept_burst(struct acceptor *a, unsigned int i)
{
	char buf[MNL_NLMSG_HDRLEN + 64] __attribute__((aligned(8)));
	int n = recvmmsg(a->poll[i].fd, a->burst, BURST_MAX, MSG_DONTWAIT, NULL);
	struct nlmsghdr *nlh;
	uint32_t id;

	while (n > 0 && !packet_id(&a->burst[n - 1], &id))
		n--;
	if (n <= 0)
		return;
	nlh = nfq_nlmsg_put(buf, NFQNL_MSG_VERDICT_BATCH, a->number[i]);
	nfq_nlmsg_verdict_put(nlh, (int)id, NF_ACCEPT);
	if (mnl_socket_sendto(a->socket[i], nlh, nlh->nlmsg_len) < 0)
		perror("null_acceptor: verdict");
}

/* Signals are let in only while waiting, so that none is missed in between. */
static int run(struct acceptor *a, const sigset_t *waiting)
{
	while (!stop) {
		if (ppoll(a->poll, a->n, NULL, waiting) < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		for (unsigned int i = 0; i < a->n; i++)
			if (a->poll[i].revents)
				accept_burst(a, i);
	}
	return 0;
}

static void catch_signals(sigset_t *before)
{
	struct sigaction sa = {.sa_handler = on_signal};
	sigset_t ours;

	sigemptyset(&ours);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGINT);
	sigprocmask(SIG_BLOCK, &ours, before);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
}

static int usage(void)
{
	fprintf(stderr,
		"usage: null_acceptor [--copy N] --queue N[-M] [--queue N[-M]]...   (at most %d)\n",
		QUEUES_MAX);
	return 2;
}

int main(int argc, char *argv[])
{
	static const struct option options[] = {{"queue", required_argument, NULL, 'q'},
						{"copy", required_argument, NULL, 'c'},
						{0}};
	static struct acceptor a = {.copy = COPY_BYTES};
	sigset_t waiting;
	int c, err = 0;

	while ((c = getopt_long(argc, argv, "q:c:", options, NULL)) != -1)
		if (c == 'c' ? !set_copy(&a, optarg) : c != 'q' || add_queues(&a, optarg))
			return usage();
	if (!a.n || optind < argc)
		return usage();
	catch_signals(&waiting);
	err = prepare_buffers(&a);
	for (unsigned int i = 0; i < a.n && !err; i++) {
		err = bind_queue(&a, i);
		if (err)
			fprintf(stderr, "null_acceptor: queue %u: %s\n", a.number[i],
				strerror(-err));
	}
	if (!err) {
		puts("ready");
		fflush(stdout);
		err = run(&a, &waiting);
	}
	for (unsigned int i = 0; i < a.n; i++)
		if (a.socket[i])
			mnl_socket_close(a.socket[i]);
	free(a.buffers);
	return err ? 1 : 0;
}
