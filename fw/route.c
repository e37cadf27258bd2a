// SPDX-License-Identifier: GPL-2.0-or-later
#include "route.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define KNOWN 64 /* a power of two */

struct unicast {
	uint8_t to[4];
	uint32_t ifindex; /* 0: free */
};

/* An answer costs five times what the lookup of a socket does, so it is kept until the kernel tells
 * of a change: it does so before whoever makes the change is done. */
struct route {
	struct mnl_socket *asked, *told;
	uint32_t seq;
	struct unicast known[KNOWN];
};

static int open_socket(struct mnl_socket **out)
{
	*out = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	return !*out || mnl_socket_bind(*out, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : 0;
}

static int listen_to_changes(struct mnl_socket *nl)
{
	static const int groups[] = {RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_RULE};

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		int group = groups[i];

		if (mnl_socket_setsockopt(nl, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)))
			return -errno;
	}
	return 0;
}

int route_open(struct route **out)
{
	struct route *r = calloc(1, sizeof(*r));
	int error;

	if (!r)
		return -ENOMEM;
	error = open_socket(&r->asked);
	error = error ? error : open_socket(&r->told);
	error = error ? error : listen_to_changes(r->told);
	if (error) {
		route_close(r);
		return error;
	}
	*out = r;
	return 0;
}

void route_close(struct route *r)
{
	if (r && r->asked)
		mnl_socket_close(r->asked);
	if (r && r->told)
		mnl_socket_close(r->told);
	free(r);
}

/* What is told is not read: that something is told is enough. */
static void forget_if_changed(struct route *r)
{
	int fd = mnl_socket_get_fd(r->told);
	bool changed = false;
	char first;

	/* ENOBUFS: more was told than there is room for. */
	while (recv(fd, &first, sizeof(first), MSG_DONTWAIT) >= 0 || errno == ENOBUFS)
		changed = true;
	if (changed)
		memset(r->known, 0, sizeof(r->known));
}

static struct unicast *place_of(struct route *r, const uint8_t to[4], uint32_t ifindex)
{
	return &r->known[(to[3] ^ to[2] ^ ifindex) & (KNOWN - 1)];
}

static int request(struct route *r, const uint8_t from[4], const uint8_t to[4], uint32_t ifindex)
{
	char buf[256] __attribute__((aligned(8)));
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct rtmsg *m;

	h->nlmsg_type = RTM_GETROUTE;
	h->nlmsg_flags = NLM_F_REQUEST;
	h->nlmsg_seq = ++r->seq;
	m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->rtm_family = AF_INET;
	m->rtm_src_len = m->rtm_dst_len = 32;
	mnl_attr_put(h, RTA_SRC, 4, from);
	mnl_attr_put(h, RTA_DST, 4, to);
	mnl_attr_put_u32(h, RTA_IIF, ifindex);
	return mnl_socket_sendto(r->asked, h, h->nlmsg_len) < 0 ? -errno : 0;
}

static bool ask(struct route *r, const uint8_t from[4], const uint8_t to[4], uint32_t ifindex)
{
	char buf[4096] __attribute__((aligned(8)));
	const struct nlmsghdr *h = (const struct nlmsghdr *)buf;
	const struct rtmsg *m;
	ssize_t n;

	if (request(r, from, to, ifindex))
		return false;
	n = mnl_socket_recvfrom(r->asked, buf, sizeof(buf));
	if (n < 0 || !mnl_nlmsg_ok(h, (int)n) || h->nlmsg_seq != r->seq ||
	    h->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(h) < sizeof(*m))
		return false;
	m = mnl_nlmsg_get_payload(h);
	return m->rtm_type == RTN_LOCAL || m->rtm_type == RTN_UNICAST;
}

bool route_is_unicast(struct route *r, const uint8_t from[4], const uint8_t to[4], uint32_t ifindex)
{
	struct unicast *known = place_of(r, to, ifindex);

	forget_if_changed(r);
	if (ifindex && known->ifindex == ifindex && !memcmp(known->to, to, sizeof(known->to)))
		return true;
	if (!ask(r, from, to, ifindex))
		return false;
	known->ifindex = ifindex;
	memcpy(known->to, to, sizeof(known->to));
	return true;
}
