// SPDX-License-Identifier: GPL-2.0-or-later
#include "owner.h"

#include <errno.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "hindsight.h"
#include "log.h"
#include "netns.h"
#include "portless.h"
#include "process_socket.h"
#include "route.h"
#include "sharers.h"
#include "sockdiag.h"
#include "sockowner.h"

/* include/net/tcp_states.h */
#define STATE_ESTABLISHED 1
#define STATE_SYN_RECV	  3
#define STATE_TIME_WAIT	  6
#define STATE_CLOSE_WAIT  8
#define STATE_NEW_SYN	  12

#define TCP_SYN_ACK 0x12 /* RFC 9293 section 3.1 */

struct owner {
	struct sockowner sockets;
	struct stats *stats;
	struct sockdiag *diag;
	struct route *route;
	struct netns_table *netns;
	struct portless *portless; /* NULL: raw and ping sockets cannot be seen */
	bool forwarding; /* other namespaces are not touched before a packet was forwarded to us */
};

int owner_new(struct probe *probe, struct scanner *scanner, struct portless *portless,
	      struct stats *stats, struct owner **out)
{
	struct owner *o = calloc(1, sizeof(*o));
	int r;

	if (!o)
		return -ENOMEM;
	o->sockets = (struct sockowner){.probe = probe, .scanner = scanner};
	o->portless = portless;
	o->stats = stats;
	r = sockdiag_open(&o->diag);
	r = r ? r : route_open(&o->route);
	r = r ? r : netns_open(probe, &o->netns);
	if (r) {
		owner_free(o);
		return r;
	}
	*out = o;
	return 0;
}

void owner_free(struct owner *o)
{
	if (!o)
		return;
	sockdiag_close(o->diag);
	route_close(o->route);
	netns_close(o->netns);
	free(o);
}

/* The packet's two ends as its local socket sees them. */
static void make_query(const struct queue_packet *p, bool in, struct sockdiag_query *q)
{
	const struct packet *k = &p->packet;

	memset(q, 0, sizeof(*q));
	q->family = k->family;
	q->proto = k->proto;
	memcpy(q->local, in ? k->daddr : k->saddr, 16);
	memcpy(q->remote, in ? k->saddr : k->daddr, 16);
	q->local_port = in ? k->dport : k->sport;
	q->remote_port = in ? k->sport : k->dport;
	/* Of a forwarded packet they are none of its socket's namespace. */
	if (p->hook == NF_INET_LOCAL_IN)
		q->ifindex = p->in_ifindex;
	else if (p->hook == NF_INET_LOCAL_OUT)
		q->ifindex = p->out_ifindex;
}

/* The socket that the kernel would find: in our namespace, or for a forwarded packet in another. */
static int find_socket(struct owner *o, bool forwarded, const struct sockdiag_query *q,
		       struct sockdiag_answer *a, struct attribution *out)
{
	int r;

	o->stats->counter[COUNT_SOCK_LOOKUP]++;
	if (!forwarded)
		return sockdiag_find(o->diag, q, a);
	r = netns_find(o->netns, q, a, &out->netns);
	if (r == -ENOENT) {
		netns_refresh(o->netns);
		r = netns_find(o->netns, q, a, &out->netns);
	}
	return r;
}

/* Whether the packet could come from a process's socket that sock_diag cannot name. */
static bool maybe_process(const struct queue_packet *p)
{
	return p->hook != NF_INET_LOCAL_IN && (p->has_uid || !p->asks_uid);
}

struct gathering {
	struct owner *owner;
	const struct question *question;
	struct attribution *all;
	size_t sockets;
	enum reply reply;
};

static void gather(void *cookie, uint64_t socket)
{
	struct gathering *g = cookie;
	struct attribution one = {.origin = ORIGIN_UNKNOWN};

	if (sockowner_resolve(&g->owner->sockets, socket, g->question, &one) == ASK_LATER)
		g->reply = ASK_LATER;
	attribution_add_seen(&one);
	attribution_merge(g->all, &one);
	attribution_clear(&one);
	g->all->cookie = g->sockets++ ? 0 : one.cookie;
}

/*
 * Each of the sockets gets what comes in, or may get the connection: the holders of all are its
 * holders. A datagram that went out was sent by one of them, or by one that is gone already: it
 * cannot be told.
 */
static enum reply resolve_all(struct owner *o, const struct question *q, struct attribution *out)
{
	struct gathering g = {.owner = o, .question = q, .all = out, .reply = ANSWERED};
	bool portless = out->sought == SOUGHT_PORTLESS;
	bool get = out->incoming || (!portless && out->port.proto == IPPROTO_TCP);
	int r;

	attribution_set(out, ORIGIN_KERNEL);
	r = portless ? portless_each(o->portless, &out->portless, gather, &g)
		     : sharers_each(o->diag, &out->port, get, gather, &g);
	out->several = g.sockets > 1 && out->n > 1;
	if (r || !get)
		out->origin = ORIGIN_UNKNOWN;
	return g.reply;
}

/* Whether the kernel's choice of one socket is not all that there is to say of a packet: it gives
 * it to others as well, or to another, or another has sent it. */
static bool is_of_several(struct owner *o, const struct attribution *who)
{
	const struct sockdiag_query *q = &who->port;

	if (!(who->shared & NOTE_SHARED))
		return false;
	if (q->proto == IPPROTO_TCP)
		return who->shared & NOTE_STEERED;
	return !who->incoming || who->shared & NOTE_STEERED ||
	       sharers_get_all(q->family, q->local) ||
	       (q->family == 4 && !route_is_unicast(o->route, q->remote, q->local, q->ifindex));
}

static enum reply resolve_one(struct owner *o, uint64_t cookie, const struct question *q,
			      struct attribution *who)
{
	enum reply answer = sockowner_resolve(&o->sockets, cookie, q, who);

	if (who->sought != SOUGHT_PORT || !is_of_several(o, who))
		return answer;
	who->sought = SOUGHT_SHARERS;
	return resolve_all(o, q, who);
}

/* Whether somebody has accepted it by now, and who is known; also if he has closed it. */
static bool is_accepted(struct owner *o, uint64_t connection, const struct question *q,
			struct attribution *out)
{
	struct question now = *q;

	now.final = true;
	return sockowner_resolve(&o->sockets, connection, &now, out) == ANSWERED &&
	       out->origin == ORIGIN_KNOWN;
}

/*
 * It is the one's in whose queue the connection waits, or who has taken it out of there; where it
 * is on its way, or there is none, as of a request, any of those that listen there may get it.
 * connection: its cookie, 0: it is a request.
 */
static enum reply resolve_listener(struct owner *o, bool forwarded, uint64_t listener,
				   uint64_t connection, const struct question *q,
				   struct attribution *out)
{
	enum reply answer = sockowner_resolve(&o->sockets, listener, q, out);
	uint64_t waits_for;

	if (!(out->shared & NOTE_SHARED))
		return answer;
	waits_for = connection ? probe_accept_queue(o->sockets.probe, out->cookie, connection) : 0;
	if (waits_for == out->cookie)
		return answer;
	if (waits_for)
		return sockowner_resolve(&o->sockets, waits_for, q, out);
	if (connection && is_accepted(o, connection, q, out))
		return ANSWERED;
	attribution_set(out, ORIGIN_UNKNOWN);
	if (forwarded)
		return ANSWERED;
	out->sought = SOUGHT_SHARERS;
	return resolve_all(o, q, out);
}

/* The listener behind a connection that no process has accepted yet. */
static enum reply attribute_listener(struct owner *o, bool forwarded, struct sockdiag_query ends,
				     uint64_t connection, const struct question *q,
				     struct attribution *out)
{
	struct question now = *q;
	struct sockdiag_answer a;
	enum reply answer = ANSWERED;

	now.now = true; /* what nobody has accepted yet is of those who may */
	memset(ends.remote, 0, sizeof(ends.remote));
	ends.remote_port = 0;
	out->port = ends;
	attribution_set(out, ORIGIN_UNKNOWN);
	if (!find_socket(o, forwarded, &ends, &a, out))
		answer = resolve_listener(o, forwarded, a.cookie, connection, &now, out);
	return answer == ASK_LISTENER ? ANSWERED : answer;
}

static bool is_request(const struct sockdiag_answer *a)
{
	return a->state == STATE_SYN_RECV || a->state == STATE_NEW_SYN;
}

/* Of a connection. Who has accepted one has its file, and who closes that ends one of its ways. */
static bool is_unaccepted(const struct sockdiag_answer *a)
{
	return !a->inode &&
	       (is_request(a) || a->state == STATE_ESTABLISHED || a->state == STATE_CLOSE_WAIT);
}

/* A socket was found: who answers for it? */
static enum reply attribute_found(struct owner *o, bool forwarded,
				  const struct sockdiag_query *ends,
				  const struct sockdiag_answer *a, const struct question *q,
				  struct attribution *out)
{
	bool tcp = ends->proto == IPPROTO_TCP;
	uint64_t waiting = is_request(a) ? 0 : a->cookie;
	enum reply answer;

	if (tcp && a->state == STATE_TIME_WAIT) {
		attribution_set(out, ORIGIN_KERNEL);
		return ANSWERED;
	}
	if (tcp && is_unaccepted(a))
		return attribute_listener(o, forwarded, *ends, waiting, q, out);
	if (!forwarded && (!tcp || a->state == SOCKDIAG_LISTEN)) {
		out->sought = SOUGHT_PORT;
		out->port = *ends;
	}
	answer = resolve_one(o, a->cookie, q, out);
	if (answer != ASK_LISTENER)
		return answer;
	return attribute_listener(o, forwarded, *ends, waiting, q, out);
}

/*
 * It comes in, and no socket with ports is there for it. The kernel answers it or throws it away,
 * unless a process listens without ports.
 */
static enum reply attribute_portless(struct owner *o, const struct queue_packet *p,
				     const struct question *q, struct attribution *out)
{
	attribution_set(out, ORIGIN_KERNEL);
	if (!portless_may_get(&p->packet))
		return ANSWERED;
	out->sought = SOUGHT_PORTLESS;
	portless_make_query(&p->packet, p->in_ifindex, &out->portless);
	return resolve_all(o, q, out);
}

/* Without ports, or with ports that nobody has: is it a process's, or does the kernel speak? */
static enum reply attribute_without_ports(struct owner *o, const struct queue_packet *p,
					  const struct question *q, struct attribution *out)
{
	const struct packet *k = &p->packet;
	bool icmp = k->proto == IPPROTO_ICMP || k->proto == IPPROTO_ICMPV6;
	bool unclear = !k->has_ports && (k->malformed || k->later_fragment || !k->has_proto ||
					 (icmp && !k->has_icmp));

	if (p->hook == NF_INET_LOCAL_IN && !unclear)
		return attribute_portless(o, p, q, out);
	attribution_set(out, maybe_process(p) || unclear ? ORIGIN_UNKNOWN : ORIGIN_KERNEL);
	return ANSWERED;
}

static enum reply attribute_by_lookup(struct owner *o, const struct queue_packet *p,
				      const struct question *q, struct attribution *out)
{
	struct sockdiag_query ends;
	struct sockdiag_answer a;
	int r;

	if (!p->packet.has_ports)
		return attribute_without_ports(o, p, q, out);
	make_query(p, p->hook == NF_INET_LOCAL_IN, &ends);
	r = find_socket(o, false, &ends, &a, out);
	if (!r)
		return attribute_found(o, false, &ends, &a, q, out);
	if (r == -ENOENT)
		return attribute_without_ports(o, p, q, out);
	attribution_set(out, ORIGIN_UNKNOWN);
	return ANSWERED;
}

/*
 * A packet that passes through, of a process in another namespace: its sender's if that is one of
 * ours, else its receiver's. A packet between two strangers is of unknown origin: that no process
 * of this machine is behind it cannot be shown.
 */
static enum reply attribute_forwarded(struct owner *o, const struct queue_packet *p,
				      const struct question *q, struct attribution *out)
{
	struct sockdiag_query ends;
	struct sockdiag_answer a;

	attribution_set(out, ORIGIN_UNKNOWN);
	out->netns = 0;
	for (int in = 0; p->packet.has_ports && in < 2; in++) {
		int r;

		make_query(p, in, &ends);
		r = find_socket(o, true, &ends, &a, out);
		if (!r)
			return attribute_found(o, true, &ends, &a, q, out);
		if (r != -ENOENT)
			return ANSWERED;
	}
	return ANSWERED;
}

/* Whether the note answers it all: then nothing is asked again, and nobody needs to know when. */
static bool is_whole(const struct note *n)
{
	return !(n->flags & NOTE_OVERRUN) && (n->state == NOTE_KERNEL || n->state == NOTE_PROVEN);
}

static enum reply attribute_by_note(struct owner *o, const struct queue_packet *p,
				    const struct note *note, struct question *q,
				    struct attribution *out)
{
	struct sockdiag_query ends;

	if (note->netns)
		out->netns = note->netns;
	out->has_uid = note->uid != ABI_NO_ID && !(note->flags & NOTE_OVERRUN);
	out->uid = note->uid;
	out->gid = note->gid;
	out->cookie = note->cookie;
	out->orphan = note->flags & NOTE_ORPHAN;
	out->passed = (note->flags & (NOTE_PASSED | NOTE_OVERRUN)) == NOTE_PASSED;
	q->hint_tgid = note->current_tgid;
	q->was_open = true;
	q->noted = out->noted = !(note->flags & NOTE_OVERRUN);
	q->sent_ns = out->sent_ns = note->when_ns;
	q->changed_ns = out->changed_ns = note->changed_ns;
	if (!is_whole(note)) {
		q->unexplained = out->unexplained = hindsight_unexplained(&note->answer);
		q->nobody = out->nobody = hindsight_nobody(&note->answer);
	}
	if (note->state == NOTE_UNPROVEN || note->flags & NOTE_OVERRUN)
		attribution_set_seen(out, &note->answer);
	if (note->flags & NOTE_OVERRUN) { /* which of several it was cannot be told */
		attribution_set(out, ORIGIN_UNKNOWN);
	} else if (note->state == NOTE_KERNEL) {
		attribution_set(out, ORIGIN_KERNEL);
	} else if (note->state == NOTE_PROVEN) {
		attribution_set_holders(out, note->holder, note->n_holders);
		out->proven = true;
	} else if (note->state == NOTE_MANY) {
		sockowner_set_many(&o->sockets, &note->answer, out);
		hindsight_programs(o->sockets.probe, q, out);
	} else if (note->flags & NOTE_UNACCEPTED) {
		make_query(p, p->hook == NF_INET_LOCAL_IN, &ends);
		return attribute_listener(o, p->hook == NF_INET_FORWARD, ends, note->cookie, q,
					  out);
	} else if (note->cookie) {
		enum reply answer = sockowner_resolve(&o->sockets, note->cookie, q, out);

		/* It may have been closed in this very moment: whose is the packet then? */
		if (answer == ANSWERED && out->origin == ORIGIN_UNKNOWN && q->now)
			return attribute_by_lookup(o, p, q, out);
		return answer == ASK_LISTENER ? ANSWERED : answer;
	} else {
		return attribute_by_lookup(o, p, q, out);
	}
	return ANSWERED;
}

static bool find_note(struct owner *o, const struct queue_packet *p, struct note *note)
{
	const struct packet *k = &p->packet;
	/* A forwarded packet was noted as it left its sender's namespace, however long ago. */
	bool forwarded = p->hook == NF_INET_FORWARD;
	uint8_t hook = forwarded ? NF_INET_LOCAL_OUT : p->hook;
	uint64_t empty_ns = forwarded ? 0 : p->empty_ns;
	const uint64_t prints[] = {k->print, k->print_short};
	size_t n = k->print_short != k->print ? 2 : 1;

	if (!k->print)
		return false;
	for (size_t i = 0; i < n; i++)
		if (probe_note(o->sockets.probe, prints[i], hook, empty_ns, note))
			return true;
	for (size_t i = 0; p->hook == NF_INET_LOCAL_OUT && p->all_noted && i < n; i++)
		if (probe_note_late(o->sockets.probe, prints[i], hook, note))
			return true;
	return false;
}

void owner_hint(struct owner *o, const struct hint *hint)
{
	if (hint->kind == HINT_EXEC && o->forwarding)
		netns_learn(o->netns, hint->tgid, hint->netns);
}

/* The first packet of another namespace. */
static void cover_all(struct owner *o)
{
	o->forwarding = true;
	probe_cover_all(o->sockets.probe);
	scanner_request(o->sockets.scanner);
}

static enum reply attribute(struct owner *o, const struct queue_packet *p, struct question *q,
			    struct attribution *out)
{
	struct note note;
	bool found = find_note(o, p, &note);

	if (!found || !is_whole(&note))
		q->since_ns = out->since_ns = clock_boot_ns();
	if (found) {
		o->stats->counter[COUNT_NOTE_HIT]++;
		return attribute_by_note(o, p, &note, q, out);
	}
	out->has_uid = p->has_uid;
	out->uid = p->uid;
	out->gid = p->gid;
	if (p->hook != NF_INET_FORWARD)
		return attribute_by_lookup(o, p, q, out);
	if (!o->forwarding)
		cover_all(o);
	return attribute_forwarded(o, p, q, out);
}

/* What comes in, and a listener's answer to a SYN, concern whoever holds the socket now. */
static bool counts_now(const struct queue_packet *p)
{
	return p->hook == NF_INET_LOCAL_IN || (p->packet.tcp_flags & TCP_SYN_ACK) == TCP_SYN_ACK;
}

int owner_attribute(struct owner *o, const struct queue_packet *p, struct attribution *out)
{
	struct question q = {.now = counts_now(p)};

	memset(out, 0, offsetof(struct attribution, few));
	out->many = NULL;
	out->n_seen = 0;
	out->netns = netns_own(o->netns);
	out->incoming = q.now;
	if (attribute(o, p, &q, out) == ASK_LATER)
		return -EAGAIN;
	attribution_add_seen(out);
	return 0;
}

int owner_retry(struct owner *o, bool final, struct attribution *who)
{
	struct question q = {.since_ns = who->since_ns,
			     .was_open = true,
			     .now = who->incoming,
			     .final = final,
			     .noted = who->noted,
			     .changed_ns = who->changed_ns,
			     .sent_ns = who->sent_ns,
			     .nobody = who->nobody,
			     .unexplained = who->unexplained};

	if ((who->sought == SOUGHT_SHARERS || who->sought == SOUGHT_PORTLESS
		     ? resolve_all(o, &q, who)
		     : resolve_one(o, who->cookie, &q, who)) == ASK_LATER)
		return -EAGAIN;
	attribution_add_seen(who);
	return 0;
}

int owner_of_process(struct owner *o, uint32_t pid, enum chain chain, const struct packet *p,
		     struct attribution *out)
{
	struct queue_packet as = {.packet = *p};
	struct sockdiag_query wanted;
	struct question q = {.hint_tgid = pid, .now = true, .final = true, .since_ns = UINT64_MAX};
	struct proc_rec rec;
	uint64_t cookie = 0;

	memset(out, 0, sizeof(*out));
	out->netns = netns_own(o->netns);
	if (probe_proc(o->sockets.probe, pid, &rec) || (rec.flags & PROC_EXITED))
		return -ESRCH;
	make_query(&as, chain == CHAIN_INPUT, &wanted);
	if (p->has_proto)
		cookie = process_socket_find(o->diag, pid, &wanted);
	if (cookie && sockowner_resolve(&o->sockets, cookie, &q, out) == ANSWERED &&
	    out->origin == ORIGIN_KNOWN)
		return 0;
	out->cookie = 0;
	attribution_set(out, ORIGIN_KNOWN);
	out->n = 1;
	out->few[0] = note_holder_of(pid, &rec);
	return 0;
}
