// SPDX-License-Identifier: GPL-2.0-or-later
#include "reject.h"

#include <errno.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "refusal.h"

#define SENT_SLOTS 4096
#define SECOND_NS  1000000000ull
#define HOOKS_MAX  2 /* OUTPUT, and INPUT when the sender is local */

/* What was sent, by its fingerprint: another packet may take its slot, and then it is a stranger.
 */
struct sent {
	uint64_t print;
	uint32_t length;
	uint8_t hooks; /* that it may still be met at */
};

struct reject {
	int fd4, fd6; /* -errno: the host has no such family */
	uint16_t id;
	uint64_t second; /* the one that icmp counts in */
	unsigned int icmp;
	size_t awaited; /* the sum of all hooks: mostly 0, and then no slot is looked at */
	struct sent sent[SENT_SLOTS];
};

/* IPPROTO_RAW: the header is ours, and nothing is received. */
static int open_raw(int family)
{
	int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);

	return fd < 0 ? -errno : fd;
}

int reject_open(struct reject **out)
{
	struct reject *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->fd4 = open_raw(AF_INET);
	r->fd6 = open_raw(AF_INET6);
	if (r->fd4 < 0 && r->fd6 < 0) {
		int err = r->fd4;

		free(r);
		return err;
	}
	*out = r;
	return 0;
}

void reject_close(struct reject *r)
{
	if (!r)
		return;
	if (r->fd4 >= 0)
		close(r->fd4);
	if (r->fd6 >= 0)
		close(r->fd6);
	free(r);
}

static bool icmp_allowed(struct reject *r)
{
	uint64_t second = clock_monotonic_ns() / SECOND_NS;

	if (second != r->second) {
		r->second = second;
		r->icmp = 0;
	}
	return r->icmp++ < REJECT_ICMP_PER_SECOND;
}

uint64_t reject_silent_until(const struct reject *r)
{
	uint64_t next = (r->second + 1) * SECOND_NS;

	return r->icmp >= REJECT_ICMP_PER_SECOND && clock_monotonic_ns() < next ? next : 0;
}

/* Before it is sent: it may be queued before sendto(2) returns. */
static void remember(struct reject *r, const uint8_t *bytes, size_t n)
{
	struct packet made;
	struct sent *s;

	packet_parse(bytes, n, n, &made);
	s = &r->sent[made.print % SENT_SLOTS];
	r->awaited += HOOKS_MAX - s->hooks;
	*s = (struct sent){.print = made.print, .length = made.length, .hooks = HOOKS_MAX};
}

static bool is_link_local(const struct packet *p)
{
	return p->saddr[0] == 0xfe && (p->saddr[1] & 0xc0) == 0x80;
}

static ssize_t send_to(const struct reject *r, const struct queue_packet *p, const uint8_t *bytes,
		       size_t n)
{
	struct sockaddr_in to4 = {.sin_family = AF_INET};
	struct sockaddr_in6 to6 = {.sin6_family = AF_INET6};

	if (p->packet.family == 4) {
		memcpy(&to4.sin_addr, p->packet.saddr, 4);
		return sendto(r->fd4, bytes, n, MSG_DONTWAIT, (struct sockaddr *)&to4, sizeof(to4));
	}
	memcpy(&to6.sin6_addr, p->packet.saddr, 16);
	if (is_link_local(&p->packet))
		to6.sin6_scope_id = p->hook == NF_INET_LOCAL_OUT ? p->out_ifindex : p->in_ifindex;
	return sendto(r->fd6, bytes, n, MSG_DONTWAIT, (struct sockaddr *)&to6, sizeof(to6));
}

/* Not 0, which the kernel would replace. */
static uint16_t next_id(struct reject *r)
{
	if (!++r->id)
		r->id = 1;
	return r->id;
}

bool reject_tell(struct reject *r, const struct queue_packet *p)
{
	uint8_t bytes[REFUSAL_MAX];
	size_t n = refusal_make(&p->packet, p->head, p->head_len, next_id(r), bytes);

	if (!n || (p->packet.proto != IPPROTO_TCP && !icmp_allowed(r)))
		return false;
	remember(r, bytes, n);
	return send_to(r, p, bytes, n) == (ssize_t)n;
}

bool reject_is_own(struct reject *r, const struct packet *p)
{
	struct sent *s = &r->sent[p->print % SENT_SLOTS];

	if (!r->awaited || !p->print || s->print != p->print || s->length != p->length || !s->hooks)
		return false;
	s->hooks--;
	r->awaited--;
	return true;
}
