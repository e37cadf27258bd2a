// SPDX-License-Identifier: GPL-2.0-or-later
#include "portless.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cgroup.h"
#include "clock.h"
#include "common/cleanup.h"
#include "portless.skel.h"

#ifndef SO_NETNS_COOKIE /* include/uapi/asm-generic/socket.h of linux 5.14 */
#define SO_NETNS_COOKIE 71
#endif

#define SCAN_AGAIN_NS 1000000000ull

struct portless {
	struct portless_skel *skel;
	struct bpf_link *created;
	uint64_t scanned_ns; /* CLOCK_MONOTONIC */
};

static int own_netns_cookie(uint64_t *out)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(*out);

	return fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, out, &size) ? -errno : 0;
}

static int attach(struct portless *p)
{
	_cleanup_close_ int cgroup = cgroup_open_root();

	if (cgroup < 0)
		return cgroup;
	p->created = bpf_program__attach_cgroup(p->skel->progs.portless_created, cgroup);
	return p->created ? 0 : -errno;
}

/* Runs an iterator that writes nothing. */
static int run_iterator(const struct bpf_link *link)
{
	_cleanup_close_ int fd = bpf_iter_create(bpf_link__fd(link));
	char nothing;
	ssize_t n;

	if (fd < 0)
		return -errno;
	/* EAGAIN: a million items without output; the next read goes on from there. */
	do
		n = read(fd, &nothing, sizeof(nothing));
	while (n < 0 && (errno == EAGAIN || errno == EINTR));
	return n < 0 ? -errno : 0;
}

/* Those that are older than the daemon, or could not be remembered. */
static int scan(struct portless *p)
{
	struct bpf_link *link;
	int r;

	p->scanned_ns = clock_monotonic_ns();
	__atomic_store_n(&p->skel->bss->lost, 0, __ATOMIC_RELAXED);
	link = bpf_program__attach_iter(p->skel->progs.portless_scan, NULL);
	if (!link)
		return -errno;
	r = run_iterator(link);
	bpf_link__destroy(link);
	return r;
}

static int start(struct portless *p)
{
	uint64_t cookie;
	int r = own_netns_cookie(&cookie);

	if (r)
		return r;
	p->skel = portless_skel__open();
	if (!p->skel)
		return -errno;
	p->skel->rodata->netns_cookie = cookie;
	r = portless_skel__load(p->skel);
	r = r ? r : attach(p);
	return r ? r : scan(p);
}

int portless_open(struct portless **out)
{
	struct portless *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	r = start(p);
	if (r) {
		portless_close(p);
		return r;
	}
	*out = p;
	return 0;
}

void portless_close(struct portless *p)
{
	if (!p)
		return;
	bpf_link__destroy(p->created);
	portless_skel__destroy(p->skel);
	free(p);
}

static bool is_icmp(const struct packet *k)
{
	return k->proto == IPPROTO_ICMP || k->proto == IPPROTO_ICMPV6;
}

/* RFC 792, RFC 4443, RFC 8335 (extended echo). */
static bool is_reply(uint8_t proto, uint8_t type)
{
	return proto == IPPROTO_ICMP ? type == 0 || type == 43 : type == 129 || type == 161;
}

/* net/ipv4/icmp.c: icmp_pointers. */
static bool kernel_acts_on_icmp(uint8_t type)
{
	switch (type) {
	case 3:	 /* destination unreachable */
	case 4:	 /* source quench */
	case 5:	 /* redirect */
	case 8:	 /* echo request */
	case 11: /* time exceeded */
	case 12: /* parameter problem */
	case 13: /* timestamp request */
	case 42: /* extended echo request */
		return true;
	default:
		return false;
	}
}

/* net/ipv6/icmp.c: icmpv6_rcv. Errors, echo request, multicast listeners, neighbours. */
static bool kernel_acts_on_icmpv6(uint8_t type)
{
	return type <= 128 || (type >= 130 && type <= 137) || type == 143 || type == 160;
}

bool portless_may_get(const struct packet *k)
{
	if (k->proto == IPPROTO_IGMP)
		return k->family != 4;
	if (!is_icmp(k) || (k->proto == IPPROTO_ICMP) != (k->family == 4))
		return true;
	return k->family == 4 ? !kernel_acts_on_icmp(k->icmp_type)
			      : !kernel_acts_on_icmpv6(k->icmp_type);
}

void portless_make_query(const struct packet *k, uint32_t ifindex, struct portless_query *q)
{
	memset(q, 0, sizeof(*q));
	q->family = k->family;
	q->proto = k->proto;
	q->is_icmp = k->proto == (k->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	q->icmp_type = k->icmp_type;
	q->is_reply = q->is_icmp && is_reply(k->proto, k->icmp_type);
	q->id = k->sport;
	memcpy(q->local, k->daddr, sizeof(q->local));
	memcpy(q->remote, k->saddr, sizeof(q->remote));
	q->ifindex = ifindex;
}

static bool addr_fits(const uint8_t bound[16], const uint8_t addr[16])
{
	static const uint8_t any[16];

	return !memcmp(bound, any, 16) || !memcmp(bound, addr, 16);
}

static bool filtered(const struct portless_rec *s, const struct portless_query *q)
{
	if (!q->is_icmp || (q->family == 4 && q->icmp_type >= 32))
		return false;
	return s->filter[q->icmp_type / 32] >> q->icmp_type % 32 & 1;
}

bool portless_gets(const struct portless_rec *s, const struct portless_query *q)
{
	bool multicast6 = q->family == 6 && q->local[0] == 0xff;

	if (s->family != q->family || (s->ifindex && s->ifindex != q->ifindex) ||
	    (!addr_fits(s->local, q->local) && !(multicast6 && !s->ping)))
		return false;
	if (s->ping) /* where it is connected to does not matter */
		return q->is_reply && s->number == q->id;
	return s->number == q->proto && addr_fits(s->remote, q->remote) && !filtered(s, q);
}

/* More of them than can be remembered: when some are gone, a scan finds the rest. */
static bool all_remembered(struct portless *p)
{
	const __u64 *lost = &p->skel->bss->lost;

	if (!__atomic_load_n(lost, __ATOMIC_RELAXED))
		return true;
	if (clock_monotonic_ns() - p->scanned_ns < SCAN_AGAIN_NS || scan(p))
		return false;
	return !__atomic_load_n(lost, __ATOMIC_RELAXED);
}

int portless_each(struct portless *p, const struct portless_query *q,
		  void (*fn)(void *cookie, uint64_t socket), void *cookie)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	const struct portless_rec *told;
	bool all;
	int r, found = 0;

	if (!p)
		return -EOPNOTSUPP;
	all = all_remembered(p);
	told = p->skel->bss->told;
	r = bpf_prog_test_run_opts(bpf_program__fd(p->skel->progs.portless_tell), &opts);
	if (r)
		return r;
	for (uint32_t i = 0; i < p->skel->bss->n_told; i++) {
		if (!portless_gets(&told[i], q))
			continue;
		if (++found > PORTLESS_MAX)
			return -E2BIG;
		fn(cookie, told[i].cookie);
	}
	if (p->skel->bss->n_told == ABI_PORTLESS_TOLD)
		return -E2BIG;
	return all ? 0 : -ENOBUFS;
}
