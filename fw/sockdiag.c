// SPDX-License-Identifier: GPL-2.0-or-later
#include "sockdiag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct sockdiag {
	struct mnl_socket *nl;
	uint32_t seq;
};

int sockdiag_open(struct sockdiag **out)
{
	struct sockdiag *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->nl = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
	if (!d->nl || mnl_socket_bind(d->nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		int r = -errno;

		sockdiag_close(d);
		return r;
	}
	*out = d;
	return 0;
}

void sockdiag_close(struct sockdiag *d)
{
	if (d && d->nl)
		mnl_socket_close(d->nl);
	free(d);
}

static void fill_id(const struct sockdiag_query *q, struct inet_diag_sockid *id)
{
	size_t n = q->family == 4 ? 4 : 16;

	id->idiag_if = q->ifindex;
	id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	if (q->proto == IPPROTO_TCP) {
		memcpy(id->idiag_src, q->local, n);
		memcpy(id->idiag_dst, q->remote, n);
		id->idiag_sport = htons(q->local_port);
		id->idiag_dport = htons(q->remote_port);
		return;
	}
	/* udp_dump_one() has always taken the two ends the other way round. */
	memcpy(id->idiag_src, q->remote, n);
	memcpy(id->idiag_dst, q->local, n);
	id->idiag_sport = htons(q->remote_port);
	id->idiag_dport = htons(q->local_port);
}

static int request(struct sockdiag *d, uint8_t family, uint8_t proto,
		   const struct inet_diag_sockid *id, uint32_t states, uint16_t flags)
{
	char buf[256] __attribute__((aligned(8)));
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct inet_diag_req_v2 *req;

	if (proto != IPPROTO_TCP && proto != IPPROTO_UDP && proto != IPPROTO_UDPLITE)
		return -EOPNOTSUPP;
	h->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	h->nlmsg_seq = ++d->seq;
	req = mnl_nlmsg_put_extra_header(h, sizeof(*req));
	req->sdiag_family = family == 4 ? AF_INET : AF_INET6;
	req->sdiag_protocol = proto;
	req->idiag_states = states;
	req->id = *id;
	return mnl_socket_sendto(d->nl, h, h->nlmsg_len) < 0 ? -errno : 0;
}

static void read_answer(const struct inet_diag_msg *m, struct sockdiag_answer *out)
{
	out->cookie = m->id.idiag_cookie[0] | (uint64_t)m->id.idiag_cookie[1] << 32;
	out->inode = m->idiag_inode;
	out->state = m->idiag_state;
	out->v6_only = false;
}

static int receive(struct sockdiag *d, struct sockdiag_answer *out)
{
	char buf[8192];
	ssize_t n = mnl_socket_recvfrom(d->nl, buf, sizeof(buf));
	const struct nlmsghdr *h = (const struct nlmsghdr *)buf;
	const struct inet_diag_msg *m;

	if (n < 0)
		return -errno;
	if (!mnl_nlmsg_ok(h, n) || h->nlmsg_seq != d->seq)
		return -EPROTO;
	if (h->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

		return mnl_nlmsg_get_payload_len(h) >= sizeof(*e) && e->error < 0 ? e->error
										  : -EPROTO;
	}
	if (mnl_nlmsg_get_payload_len(h) < sizeof(*m))
		return -EPROTO;
	m = mnl_nlmsg_get_payload(h);
	read_answer(m, out);
	return 0;
}

int sockdiag_find(struct sockdiag *d, const struct sockdiag_query *q, struct sockdiag_answer *out)
{
	struct inet_diag_sockid id = {0};
	int r;

	fill_id(q, &id);
	r = request(d, q->family, q->proto, &id, SOCKDIAG_ANY, 0);
	return r ? r : receive(d, out);
}

static void read_ends(const struct inet_diag_msg *m, uint8_t family, struct sockdiag_query *ends)
{
	size_t n = family == 4 ? 4 : 16;

	memset(ends, 0, sizeof(*ends));
	ends->family = family;
	memcpy(ends->local, m->id.idiag_src, n);
	memcpy(ends->remote, m->id.idiag_dst, n);
	ends->local_port = ntohs(m->id.idiag_sport);
	ends->remote_port = ntohs(m->id.idiag_dport);
	ends->ifindex = m->id.idiag_if;
}

static int on_attr(const struct nlattr *a, void *v6_only)
{
	if (mnl_attr_get_type(a) == INET_DIAG_SKV6ONLY && !mnl_attr_validate(a, MNL_TYPE_U8))
		*(bool *)v6_only = mnl_attr_get_u8(a);
	return MNL_CB_OK;
}

struct each {
	uint8_t family;
	bool (*fn)(void *cookie, const struct sockdiag_query *ends,
		   const struct sockdiag_answer *a);
	void *cookie;
	bool done;
};

/* The rest of a dump is read even when nobody wants it: the next answer comes after it. */
static int on_socket(const struct nlmsghdr *h, void *data)
{
	struct each *e = data;
	struct sockdiag_query ends;
	struct sockdiag_answer a;
	const struct inet_diag_msg *m;

	if (e->done || mnl_nlmsg_get_payload_len(h) < sizeof(*m))
		return MNL_CB_OK;
	m = mnl_nlmsg_get_payload(h);
	read_ends(m, e->family, &ends);
	read_answer(m, &a);
	mnl_attr_parse(h, sizeof(*m), on_attr, &a.v6_only);
	e->done = e->fn(e->cookie, &ends, &a);
	return MNL_CB_OK;
}

int sockdiag_each(struct sockdiag *d, uint8_t family, uint8_t proto, uint16_t port, uint32_t states,
		  bool (*fn)(void *cookie, const struct sockdiag_query *ends,
			     const struct sockdiag_answer *a),
		  void *cookie)
{
	const struct inet_diag_sockid id = {.idiag_sport = htons(port)};
	struct each e = {.family = family, .fn = fn, .cookie = cookie};
	char buf[32768];
	int r = request(d, family, proto, &id, states, NLM_F_DUMP);

	while (!r) {
		ssize_t n = mnl_socket_recvfrom(d->nl, buf, sizeof(buf));

		r = n < 0 ? -1 : mnl_cb_run(buf, n, d->seq, 0, on_socket, &e);
		if (r < 0)
			return -errno;
		if (r == MNL_CB_STOP)
			return 0;
		r = 0;
	}
	return r;
}
