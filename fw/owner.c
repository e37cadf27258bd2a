// SPDX-License-Identifier: GPL-2.0-or-later
#include "owner.h"

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "netns.h"
#include "sockdiag.h"

/* include/net/tcp_states.h */
#define STATE_TIME_WAIT 6
#define STATE_SYN_RECV	3
#define STATE_NEW_SYN	12

struct owner {
	struct probe *probe;
	struct stats *stats;
	struct sockdiag *diag;
	struct netns_table *netns;
	bool forwarding; /* other namespaces are not touched before a packet was forwarded to us */
};

int owner_new(struct probe *probe, struct stats *stats, struct owner **out)
{
	struct owner *o = calloc(1, sizeof(*o));
	int r;

	if (!o)
		return -ENOMEM;
	o->probe = probe;
	o->stats = stats;
	r = sockdiag_open(&o->diag);
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
	netns_close(o->netns);
	free(o);
}

static void set_origin(struct attribution *a, enum origin origin)
{
	a->origin = origin;
	a->n = 0;
}

static void set_holders(struct attribution *a, const struct note_holder *h, uint32_t n)
{
	a->origin = ORIGIN_KNOWN;
	a->n = n < ABI_HOLDERS ? n : ABI_HOLDERS;
	memcpy(a->holder, h, a->n * sizeof(*h));
}

static bool is_listed(const struct attribution *a, uint32_t tgid)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->holder[i].tgid == tgid)
			return true;
	return false;
}

/* More holders than a note names: its proof says that all are in the record. */
static void set_many(struct owner *o, uint64_t cookie, struct attribution *a)
{
	struct sock_rec rec;

	set_origin(a, ORIGIN_UNKNOWN);
	if (probe_sock(o->probe, cookie, &rec) || (rec.flags & SOCK_CROWDED))
		return;
	for (size_t i = 0; i < ABI_SIGHTINGS; i++) {
		struct proc_rec proc;

		if (!rec.s[i].files || is_listed(a, rec.s[i].tgid))
			continue;
		if (probe_proc(o->probe, rec.s[i].tgid, &proc))
			return;
		a->holder[a->n++] = (struct note_holder){.tgid = rec.s[i].tgid,
							 .in_flight = proc.in_flight,
							 .start_ns = proc.start_ns,
							 .map_stamp = proc.map_stamp};
	}
	if (a->n)
		a->origin = ORIGIN_KNOWN;
}

static uint64_t boot_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static bool proven(const struct proof *p)
{
	return p->state == NOTE_PROVEN || p->state == NOTE_MANY || p->state == NOTE_KERNEL;
}

/* Looks at the processes that may hold it, nearest first. */
static bool prove_by_hints(struct owner *o, uint64_t cookie, uint32_t hint_tgid, struct proof *p)
{
	struct sock_rec rec;

	if (hint_tgid && !probe_scan_files(o->probe, hint_tgid) &&
	    !probe_prove(o->probe, cookie, 0, p) && proven(p))
		return true;
	if (probe_sock(o->probe, cookie, &rec) || !rec.creator || rec.creator == hint_tgid)
		return false;
	return !probe_scan_files(o->probe, rec.creator) && !probe_prove(o->probe, cookie, 0, p) &&
	       proven(p);
}

static bool prove_by_scan(struct owner *o, uint64_t cookie, struct proof *p)
{
	uint64_t start = boot_ns();

	o->stats->counter[COUNT_RESCAN]++;
	return !probe_scan_files(o->probe, 0) && !probe_prove(o->probe, cookie, start, p) &&
	       proven(p);
}

/* Returns whether the socket waits in a listener's queue: then the listener answers for it. */
static bool resolve(struct owner *o, uint64_t cookie, uint32_t hint_tgid, struct attribution *out)
{
	struct proof p;

	if (probe_prove(o->probe, cookie, 0, &p)) {
		set_origin(out, ORIGIN_UNKNOWN);
		return false;
	}
	if (p.flags & NOTE_UNACCEPTED)
		return true;
	if (!proven(&p) && !prove_by_hints(o, cookie, hint_tgid, &p) &&
	    !prove_by_scan(o, cookie, &p)) {
		set_origin(out, ORIGIN_UNKNOWN);
		return p.flags & NOTE_UNACCEPTED;
	}
	out->cookie = cookie;
	if (p.netns)
		out->netns = p.netns;
	if (p.state == NOTE_KERNEL)
		set_origin(out, ORIGIN_KERNEL);
	else if (p.state == NOTE_MANY)
		set_many(o, cookie, out);
	else
		set_holders(out, p.holder, p.n_holders);
	return false;
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
	q->ifindex = in ? p->in_ifindex : 0;
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
	if (r != -ENOENT)
		return r;
	netns_refresh(o->netns);
	return netns_find(o->netns, q, a, &out->netns);
}

/* The listener behind a connection that no process has accepted yet. */
static void attribute_listener(struct owner *o, bool forwarded, struct sockdiag_query q,
			       struct attribution *out)
{
	struct sockdiag_answer a;

	memset(q.remote, 0, sizeof(q.remote));
	q.remote_port = 0;
	if (find_socket(o, forwarded, &q, &a, out) || resolve(o, a.cookie, 0, out))
		set_origin(out, ORIGIN_UNKNOWN);
}

/* Whether the packet could come from, or go to, a process's socket that sock_diag cannot name. */
static bool maybe_process(const struct queue_packet *p)
{
	return p->hook != NF_INET_LOCAL_IN && p->has_uid;
}

/* A socket was found: who answers for it? */
static void attribute_found(struct owner *o, bool forwarded, const struct sockdiag_query *q,
			    const struct sockdiag_answer *a, uint32_t hint_tgid,
			    struct attribution *out)
{
	bool tcp = q->proto == IPPROTO_TCP;

	if (tcp && a->state == STATE_TIME_WAIT)
		set_origin(out, ORIGIN_KERNEL);
	else if (tcp && !a->inode && (a->state == STATE_SYN_RECV || a->state == STATE_NEW_SYN))
		attribute_listener(o, forwarded, *q, out);
	else if (resolve(o, a->cookie, hint_tgid, out))
		attribute_listener(o, forwarded, *q, out);
}

static void attribute_by_lookup(struct owner *o, const struct queue_packet *p, uint32_t hint_tgid,
				struct attribution *out)
{
	struct sockdiag_query q;
	struct sockdiag_answer a;
	int r;

	if (!p->packet.has_ports) {
		set_origin(out, maybe_process(p) || p->packet.malformed || p->packet.later_fragment
					? ORIGIN_UNKNOWN
					: ORIGIN_KERNEL);
		return;
	}
	make_query(p, p->hook == NF_INET_LOCAL_IN, &q);
	r = find_socket(o, false, &q, &a, out);
	if (!r)
		attribute_found(o, false, &q, &a, hint_tgid, out);
	else
		set_origin(out, r != -ENOENT || maybe_process(p) ? ORIGIN_UNKNOWN : ORIGIN_KERNEL);
}

/*
 * A packet that passes through, of a process in another namespace: its sender's if that is one of
 * ours, else its receiver's. A packet between two strangers is of unknown origin: that no process
 * of this machine is behind it cannot be shown.
 */
static void attribute_forwarded(struct owner *o, const struct queue_packet *p,
				struct attribution *out)
{
	struct sockdiag_query q;
	struct sockdiag_answer a;

	set_origin(out, ORIGIN_UNKNOWN);
	out->netns = 0;
	for (int in = 0; p->packet.has_ports && in < 2; in++) {
		int r;

		make_query(p, in, &q);
		r = find_socket(o, true, &q, &a, out);
		if (!r)
			attribute_found(o, true, &q, &a, 0, out);
		if (r != -ENOENT)
			return;
	}
}

static void attribute_by_note(struct owner *o, const struct queue_packet *p,
			      const struct note *note, struct attribution *out)
{
	struct sockdiag_query q;

	if (note->netns)
		out->netns = note->netns;
	out->cookie = note->cookie;
	if (note->state == NOTE_KERNEL) {
		set_origin(out, ORIGIN_KERNEL);
	} else if (note->state == NOTE_PROVEN) {
		set_holders(out, note->holder, note->n_holders);
	} else if (note->state == NOTE_MANY) {
		set_many(o, note->cookie, out);
	} else if (note->flags & NOTE_UNACCEPTED) {
		make_query(p, p->hook == NF_INET_LOCAL_IN, &q);
		attribute_listener(o, p->hook == NF_INET_FORWARD, q, out);
	} else if (!note->cookie) {
		attribute_by_lookup(o, p, note->current_tgid, out);
	} else if (resolve(o, note->cookie, note->current_tgid, out)) {
		set_origin(out, ORIGIN_UNKNOWN);
	}
}

static bool find_note(const struct owner *o, const struct queue_packet *p, struct note *note)
{
	const struct packet *k = &p->packet;
	/* A forwarded packet was noted as it left its sender's namespace. */
	uint8_t hook = p->hook == NF_INET_FORWARD ? NF_INET_LOCAL_OUT : p->hook;

	if (!k->print)
		return false;
	return probe_note(o->probe, k->print, hook, note) ||
	       (k->print_short != k->print && probe_note(o->probe, k->print_short, hook, note));
}

void owner_hint(struct owner *o, const struct hint *hint)
{
	if (hint->kind == HINT_EXEC && o->forwarding)
		netns_learn(o->netns, hint->tgid, hint->netns);
}

void owner_attribute(struct owner *o, const struct queue_packet *p, struct attribution *out)
{
	struct note note;

	memset(out, 0, offsetof(struct attribution, holder));
	out->netns = netns_own(o->netns);
	if (find_note(o, p, &note)) {
		o->stats->counter[COUNT_NOTE_HIT]++;
		attribute_by_note(o, p, &note, out);
	} else if (p->hook == NF_INET_FORWARD) {
		o->forwarding = true;
		attribute_forwarded(o, p, out);
	} else {
		attribute_by_lookup(o, p, 0, out);
	}
	o->stats->counter[out->origin == ORIGIN_KNOWN	 ? COUNT_KNOWN
			  : out->origin == ORIGIN_KERNEL ? COUNT_KERNEL
							 : COUNT_UNKNOWN]++;
}

struct search {
	uint32_t pid;
	const struct sockdiag_query *wanted;
	uint64_t cookie;
};

static bool process_has_inode(uint32_t pid, uint32_t inode)
{
	char path[64], link[64], wanted[32];
	struct dirent *e;
	DIR *dir;
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%u/fd", pid);
	snprintf(wanted, sizeof(wanted), "socket:[%u]", inode);
	dir = opendir(path);
	while (dir && !found && (e = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), e->d_name, link, sizeof(link) - 1);

		link[n < 0 ? 0 : n] = 0;
		found = !strcmp(link, wanted);
	}
	if (dir)
		closedir(dir);
	return found;
}

static bool port_fits(uint16_t wanted, uint16_t port)
{
	return !wanted || wanted == port;
}

/* Whether a socket is one with the peer that is looked for, and the process holds it. */
static bool is_wanted(void *cookie, const struct sockdiag_query *ends,
		      const struct sockdiag_answer *a)
{
	struct search *s = cookie;

	if (memcmp(ends->remote, s->wanted->remote, sizeof(ends->remote)) ||
	    !port_fits(s->wanted->remote_port, ends->remote_port) ||
	    !port_fits(s->wanted->local_port, ends->local_port) || !a->inode ||
	    !process_has_inode(s->pid, a->inode))
		return false;
	s->cookie = a->cookie;
	return true;
}

static uint64_t find_process_socket(struct owner *o, uint32_t pid, enum chain chain,
				    const struct packet *p)
{
	struct queue_packet as = {.packet = *p};
	struct sockdiag_query q;
	struct search s = {.pid = pid, .wanted = &q};

	make_query(&as, chain == CHAIN_INPUT, &q);
	if (!p->has_proto || sockdiag_each(o->diag, q.family, q.proto, is_wanted, &s))
		return 0;
	return s.cookie;
}

int owner_of_process(struct owner *o, uint32_t pid, enum chain chain, const struct packet *p,
		     struct attribution *out)
{
	struct proc_rec rec;

	memset(out, 0, sizeof(*out));
	out->netns = netns_own(o->netns);
	if (probe_proc(o->probe, pid, &rec) || (rec.flags & PROC_EXITED))
		return -ESRCH;
	out->cookie = find_process_socket(o, pid, chain, p);
	if (out->cookie && !resolve(o, out->cookie, pid, out))
		return 0;
	out->cookie = 0;
	out->origin = ORIGIN_KNOWN;
	out->n = 1;
	out->holder[0] = (struct note_holder){.tgid = pid,
					      .in_flight = rec.in_flight,
					      .start_ns = rec.start_ns,
					      .map_stamp = rec.map_stamp};
	return 0;
}
