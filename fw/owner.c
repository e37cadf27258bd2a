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
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "netns.h"
#include "portless.h"
#include "sockdiag.h"

/* include/net/tcp_states.h */
#define STATE_TIME_WAIT 6
#define STATE_SYN_RECV	3
#define STATE_NEW_SYN	12

#define LONG_SCAN_NS   1000000ull /* of one process: what the loop can spare now and then */
#define REFERENCES_MAX 4096
#define SETTLING_NS    5000000ull
#define BIRTHS_MAX     64
#define TCP_SYN_ACK    0x12	     /* RFC 9293 section 3.1 */
#define QUEUE_LAG_NS   1000000000ull /* longer than a packet waits in a queue, as a rule */
#define BIRTH_NS       200000ull /* from a process's start time to the end of fork(2), as a rule */

struct owner {
	struct probe *probe;
	struct scanner *scanner;
	uint64_t rest_until_ns; /* no scan of one process before */
	struct stats *stats;
	struct sockdiag *diag;
	struct netns_table *netns;
	struct portless *portless; /* NULL: raw and ping sockets cannot be seen */
	bool forwarding; /* other namespaces are not touched before a packet was forwarded to us */
};

int owner_new(struct probe *probe, struct scanner *scanner, struct stats *stats, struct owner **out)
{
	struct owner *o = calloc(1, sizeof(*o));
	int r;

	if (!o)
		return -ENOMEM;
	o->probe = probe;
	o->scanner = scanner;
	o->stats = stats;
	r = sockdiag_open(&o->diag);
	r = r ? r : netns_open(probe, &o->netns);
	if (r) {
		owner_free(o);
		return r;
	}
	r = portless_open(&o->portless);
	if (r)
		log_line("app-fw: raw and ping sockets cannot be seen (%s): what may come in for "
			 "them is of unknown origin",
			 strerror(-r));
	*out = o;
	return 0;
}

void owner_free(struct owner *o)
{
	if (!o)
		return;
	sockdiag_close(o->diag);
	netns_close(o->netns);
	portless_close(o->portless);
	free(o);
}

void attribution_clear(struct attribution *a)
{
	free(a->many);
	a->many = NULL;
	a->n = 0;
}

static void set_origin(struct attribution *a, enum origin origin)
{
	attribution_clear(a);
	a->origin = origin;
}

static void set_holders(struct attribution *a, const struct note_holder *h, uint32_t n)
{
	set_origin(a, ORIGIN_KNOWN);
	a->n = n < ABI_HOLDERS ? n : ABI_HOLDERS;
	memcpy(a->few, h, a->n * sizeof(*h));
}

static bool is_listed(const struct attribution *a, uint32_t tgid)
{
	for (size_t i = 0; i < a->n; i++)
		if (attribution_holder(a, i)->tgid == tgid)
			return true;
	return false;
}

/* False when there is no memory for it. */
static bool add_holder(struct attribution *a, const struct note_holder *h)
{
	if (is_listed(a, h->tgid))
		return true;
	if (a->n == HOLDERS_MAX)
		return false;
	if (a->n == ABI_SIGHTINGS && !a->many) {
		a->many = calloc(HOLDERS_MAX, sizeof(*a->many));
		if (!a->many)
			return false;
		memcpy(a->many, a->few, sizeof(a->few));
	}
	(a->many ? a->many : a->few)[a->n++] = *h;
	return true;
}

static void set_seen(struct attribution *a, const struct answer *answer)
{
	a->n_seen = answer->n_holders < ABI_HOLDERS ? answer->n_holders : ABI_HOLDERS;
	memcpy(a->seen, answer->holder, a->n_seen * sizeof(a->seen[0]));
}

/*
 * What was seen when the packet was sent is not undone by what is found later: a holder may have
 * gone meanwhile.
 */
static void add_seen(struct attribution *a)
{
	if (a->origin == ORIGIN_KERNEL)
		return;
	for (size_t i = 0; i < a->n_seen; i++)
		add_holder(a, &a->seen[i]);
}

/* As a note would name the process now; it has no exec_pages, which only the kernel side can see.
 */
static struct note_holder holder_of(uint32_t tgid, const struct proc_rec *proc)
{
	return (struct note_holder){.tgid = tgid,
				    .in_flight = proc->in_flight,
				    .start_ns = proc->start_ns,
				    .map_stamp = proc->map_stamp};
}

/* More holders than a note names: its proof says that all are on the roster. */
static void set_many(struct owner *o, const struct answer *answer, struct attribution *a)
{
	struct sighting roster[PROBE_ROSTER_MAX];
	int n = probe_roster(o->probe, a->cookie, answer->changed_ns, roster);

	set_origin(a, ORIGIN_UNKNOWN);
	for (int i = 0; i < n; i++) {
		struct note_holder h;
		struct proc_rec proc;

		if (is_listed(a, roster[i].tgid))
			continue;
		if (probe_proc(o->probe, roster[i].tgid, &proc))
			return;
		h = holder_of(roster[i].tgid, &proc);
		if (!add_holder(a, &h))
			return;
	}
	if (n > 0)
		a->origin = ORIGIN_KNOWN;
}

/* What is asked about a packet's socket. */
struct question {
	uint32_t hint_tgid; /* a process that may hold it; 0: none known */
	bool was_open;	    /* a process held it when the packet was sent */
	bool now;	    /* who holds it now is what counts: the packet comes in */
	bool final;	    /* do not wait */
	uint64_t since_ns;  /* a scan that began later answers for good */
	bool noted;	    /* there is a note, and who held it last changed at: */
	uint64_t sent_ns;   /* CLOCK_BOOTTIME */
	uint64_t changed_ns;
	uint32_t unexplained; /* references then, beyond those of who was seen */
};

enum reply {
	ANSWERED,
	ASK_LISTENER, /* no process has accepted the connection yet */
	ASK_LATER,    /* a scan has been asked for, or it will soon be settled */
};

static bool proven(const struct proof *p)
{
	return p->state == NOTE_PROVEN || p->state == NOTE_MANY || p->state == NOTE_KERNEL;
}

/* One process's descriptors, unless such scans have lately taken long: then the scanner's turn. */
static bool prove_by_process(struct owner *o, uint32_t tgid, uint64_t cookie, struct proof *p)
{
	uint64_t start = clock_boot_ns(), took;

	if (!tgid || start < o->rest_until_ns || probe_scan_files(o->probe, tgid))
		return false;
	took = clock_boot_ns() - start;
	if (took > LONG_SCAN_NS)
		o->rest_until_ns = start + took * SCANNER_REST;
	return !probe_prove(o->probe, cookie, 0, p) && proven(p);
}

/* Looks at the processes that may hold it, nearest first. */
static bool prove_by_hints(struct owner *o, uint64_t cookie, uint32_t hint_tgid, struct proof *p)
{
	struct sock_rec rec;

	if (prove_by_process(o, hint_tgid, cookie, p))
		return true;
	if (probe_sock(o->probe, cookie, &rec) || rec.creator == hint_tgid)
		return false;
	return prove_by_process(o, rec.creator, cookie, p);
}

/* A socket with this many more references than sightings cannot be accounted for. */
static bool hopeless(const struct proof *p)
{
	return p->references > p->matched + REFERENCES_MAX;
}

/* References that are neither of a holder's descriptors nor of his calls. */
static uint32_t unexplained(const struct answer *a)
{
	uint32_t sum = a->matched + a->calls + a->leaving;

	if (a->marks & MARK_UNCLEAR)
		return UINT32_MAX;
	return a->references > sum ? a->references - sum : 0;
}

static bool was_seen(const struct attribution *a, uint32_t tgid)
{
	for (size_t i = 0; i < a->n_seen; i++)
		if (a->seen[i].tgid == tgid)
			return true;
	return false;
}

/* Whether it was forked since the packet was sent, or was being forked then. */
static bool is_newborn(const struct question *q, uint64_t start_ns)
{
	return start_ns + BIRTH_NS > q->sent_ns;
}

/* A process that was being forked from one of those who were seen, as the packet was sent. */
static bool was_being_born(struct owner *o, const struct question *q, const struct attribution *a,
			   const struct note_holder *h)
{
	struct proc_rec proc;

	return is_newborn(q, h->start_ns) && !probe_proc(o->probe, h->tgid, &proc) &&
	       was_seen(a, proc.ppid);
}

/* How many children of those who were seen were being born, whether they live still or not. */
static uint32_t births(struct owner *o, const struct question *q, const struct attribution *a)
{
	struct proc_rec parent, child;
	uint32_t n = 0;

	for (size_t i = 0; i < a->n_seen; i++) {
		if (probe_proc(o->probe, a->seen[i].tgid, &parent))
			continue;
		for (uint32_t tgid = parent.last_child; tgid && n < BIRTHS_MAX;
		     tgid = child.elder) {
			if (probe_proc(o->probe, tgid, &child) || !is_newborn(q, child.start_ns))
				break;
			n += !was_seen(a, tgid);
		}
	}
	return n;
}

static bool is_gone(struct owner *o, const struct note_holder *h)
{
	struct proc_rec proc;

	return probe_proc_started(o->probe, h->tgid, h->start_ns, &proc) ||
	       (proc.flags & PROC_EXITED);
}

/*
 * Those who hold it now, in `a`, are those who were seen, but for who has ended since, and beside
 * them only children who were not there yet: then those who were seen were all.
 */
static bool were_all_seen(struct owner *o, const struct question *q, const struct attribution *a)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct note_holder *h = attribution_holder(a, i);

		if (!was_seen(a, h->tgid) && !was_being_born(o, q, a, h))
			return false;
	}
	for (size_t i = 0; i < a->n_seen; i++)
		if (!is_listed(a, a->seen[i].tgid) && !is_gone(o, &a->seen[i]))
			return false;
	return a->n_seen && births(o, q, a) >= q->unexplained;
}

/* Whether who holds it may have changed since the packet was sent. */
static bool may_have_changed(const struct question *q, const struct proof *p)
{
	if (q->now)
		return false;
	if (q->noted)
		return p->changed_ns > q->changed_ns || unexplained(&p->answer) < q->unexplained;
	return p->changed_ns && p->changed_ns + QUEUE_LAG_NS > q->since_ns;
}

/* Nobody has it any more. Those who were seen were all, if births explain the rest. */
static void set_closed(struct owner *o, const struct question *q, struct attribution *out)
{
	set_origin(out, q->was_open && !q->now ? ORIGIN_UNKNOWN : ORIGIN_KERNEL);
	if (out->origin == ORIGIN_UNKNOWN && q->noted && out->n_seen &&
	    births(o, q, out) >= q->unexplained)
		set_holders(out, out->seen, out->n_seen);
}

/* While processes are being forked or are ending, what cannot be told now may be told at once. */
static bool is_settling(const struct question *q)
{
	return q->noted && !q->now && !q->final && clock_boot_ns() < q->since_ns + SETTLING_NS;
}

static enum reply set_proven(struct owner *o, const struct question *q, const struct proof *p,
			     struct attribution *out)
{
	if (p->netns)
		out->netns = p->netns;
	out->orphan = p->flags & NOTE_ORPHAN;
	if (p->state == NOTE_MANY)
		set_many(o, &p->answer, out);
	else if (p->state == NOTE_PROVEN)
		set_holders(out, p->holder, p->n_holders);
	else
		set_closed(o, q, out);
	if (p->state == NOTE_KERNEL || out->origin != ORIGIN_KNOWN || !may_have_changed(q, p))
		return ANSWERED;
	if (were_all_seen(o, q, out)) {
		set_holders(out, out->seen, out->n_seen);
		return ANSWERED;
	}
	set_origin(out, ORIGIN_UNKNOWN);
	return is_settling(q) ? ASK_LATER : ANSWERED;
}

/* Who holds the socket. Unless ANSWERED, out says unknown; its cookie is set in any case. */
static enum reply resolve(struct owner *o, uint64_t cookie, const struct question *q,
			  struct attribution *out)
{
	uint64_t began = scanner_began_ns(o->scanner);
	bool scanned = began > q->since_ns;
	struct proof p;

	set_origin(out, ORIGIN_UNKNOWN);
	out->cookie = cookie;
	if (probe_prove(o->probe, cookie, scanned ? began : 0, &p))
		return ANSWERED;
	if (p.flags & NOTE_UNACCEPTED)
		return ASK_LISTENER;
	if (!p.state && q->noted) {
		set_closed(o, q, out);
		return ANSWERED;
	}
	if (proven(&p) || (!scanned && prove_by_hints(o, cookie, q->hint_tgid, &p)))
		return set_proven(o, q, &p, out);
	if (p.flags & NOTE_UNACCEPTED)
		return ASK_LISTENER;
	if (q->now)
		set_seen(out, &p.answer); /* certain, even if they are not all */
	if (q->final || hopeless(&p) || (!p.state && began + QUEUE_LAG_NS > q->since_ns))
		return ANSWERED;
	if (scanned)
		return is_settling(q) ? ASK_LATER : ANSWERED;
	scanner_request(o->scanner);
	return ASK_LATER;
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
static enum reply attribute_listener(struct owner *o, bool forwarded, struct sockdiag_query ends,
				     const struct question *q, struct attribution *out)
{
	struct question now = *q;
	struct sockdiag_answer a;
	enum reply answer = ANSWERED;

	now.now = true; /* what nobody has accepted yet is of those who may */
	memset(ends.remote, 0, sizeof(ends.remote));
	ends.remote_port = 0;
	set_origin(out, ORIGIN_UNKNOWN);
	if (!find_socket(o, forwarded, &ends, &a, out))
		answer = resolve(o, a.cookie, &now, out);
	return answer == ASK_LISTENER ? ANSWERED : answer;
}

/* Whether the packet could come from, or go to, a process's socket that sock_diag cannot name. */
static bool maybe_process(const struct queue_packet *p)
{
	return p->hook != NF_INET_LOCAL_IN && p->has_uid;
}

/* A socket was found: who answers for it? */
static enum reply attribute_found(struct owner *o, bool forwarded,
				  const struct sockdiag_query *ends,
				  const struct sockdiag_answer *a, const struct question *q,
				  struct attribution *out)
{
	bool tcp = ends->proto == IPPROTO_TCP;
	bool request = a->state == STATE_SYN_RECV || a->state == STATE_NEW_SYN;
	enum reply answer = ASK_LISTENER;

	if (tcp && a->state == STATE_TIME_WAIT) {
		set_origin(out, ORIGIN_KERNEL);
		return ANSWERED;
	}
	if (!tcp || a->inode || !request)
		answer = resolve(o, a->cookie, q, out);
	return answer == ASK_LISTENER ? attribute_listener(o, forwarded, *ends, q, out) : answer;
}

/* What one of several sockets that get the packet adds to the answer. */
static void merge(struct attribution *all, const struct attribution *one)
{
	if (one->origin == ORIGIN_UNKNOWN || all->origin == ORIGIN_KERNEL)
		all->origin = one->origin;
	for (size_t i = 0; i < one->n; i++)
		if (!add_holder(all, attribution_holder(one, i)))
			all->origin = ORIGIN_UNKNOWN;
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

	if (resolve(g->owner, socket, g->question, &one) == ASK_LATER)
		g->reply = ASK_LATER;
	add_seen(&one);
	merge(g->all, &one);
	attribution_clear(&one);
	g->all->cookie = g->sockets++ ? 0 : socket;
}

/* Each of the raw and ping sockets gets the packet: the holders of all are its holders. */
static enum reply resolve_portless(struct owner *o, const struct question *q,
				   struct attribution *out)
{
	struct gathering g = {.owner = o, .question = q, .all = out, .reply = ANSWERED};

	set_origin(out, ORIGIN_KERNEL);
	if (portless_each(o->portless, &out->portless, gather, &g))
		out->origin = ORIGIN_UNKNOWN;
	return g.reply;
}

/*
 * It comes in, and no socket with ports is there for it. The kernel answers it or throws it away,
 * unless a process listens without ports.
 */
static enum reply attribute_portless(struct owner *o, const struct queue_packet *p,
				     const struct question *q, struct attribution *out)
{
	set_origin(out, ORIGIN_KERNEL);
	if (!portless_may_get(&p->packet))
		return ANSWERED;
	out->is_portless = true;
	portless_make_query(&p->packet, p->in_ifindex, &out->portless);
	return resolve_portless(o, q, out);
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
	set_origin(out, maybe_process(p) || unclear ? ORIGIN_UNKNOWN : ORIGIN_KERNEL);
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
	set_origin(out, ORIGIN_UNKNOWN);
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

	set_origin(out, ORIGIN_UNKNOWN);
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

static enum reply attribute_by_note(struct owner *o, const struct queue_packet *p,
				    const struct note *note, struct question *q,
				    struct attribution *out)
{
	struct sockdiag_query ends;

	if (note->netns)
		out->netns = note->netns;
	out->cookie = note->cookie;
	out->orphan = note->flags & NOTE_ORPHAN;
	q->hint_tgid = note->current_tgid;
	q->was_open = true;
	q->noted = out->noted = !(note->flags & NOTE_OVERRUN);
	q->sent_ns = out->sent_ns = note->when_ns;
	q->changed_ns = out->changed_ns = note->changed_ns;
	q->unexplained = out->unexplained = unexplained(&note->answer);
	if (note->state == NOTE_UNPROVEN || note->flags & NOTE_OVERRUN)
		set_seen(out, &note->answer);
	if (note->flags & NOTE_OVERRUN) { /* which of several it was cannot be told */
		set_origin(out, ORIGIN_UNKNOWN);
	} else if (note->state == NOTE_KERNEL) {
		set_origin(out, ORIGIN_KERNEL);
	} else if (note->state == NOTE_PROVEN) {
		set_holders(out, note->holder, note->n_holders);
	} else if (note->state == NOTE_MANY) {
		set_many(o, &note->answer, out);
	} else if (note->flags & NOTE_UNACCEPTED) {
		make_query(p, p->hook == NF_INET_LOCAL_IN, &ends);
		return attribute_listener(o, p->hook == NF_INET_FORWARD, ends, q, out);
	} else if (note->cookie) {
		enum reply answer = resolve(o, note->cookie, q, out);

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

/* The first packet of another namespace. */
static void cover_all(struct owner *o)
{
	o->forwarding = true;
	probe_cover_all(o->probe);
	scanner_request(o->scanner);
}

static enum reply attribute(struct owner *o, const struct queue_packet *p, struct question *q,
			    struct attribution *out)
{
	struct note note;

	if (find_note(o, p, &note)) {
		o->stats->counter[COUNT_NOTE_HIT]++;
		return attribute_by_note(o, p, &note, q, out);
	}
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
	struct question q = {.since_ns = clock_boot_ns(), .now = counts_now(p)};

	memset(out, 0, offsetof(struct attribution, few));
	out->many = NULL;
	out->n_seen = 0;
	out->netns = netns_own(o->netns);
	out->since_ns = q.since_ns;
	out->incoming = q.now;
	if (attribute(o, p, &q, out) == ASK_LATER)
		return -EAGAIN;
	add_seen(out);
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
			     .unexplained = who->unexplained};

	if ((who->is_portless ? resolve_portless(o, &q, who) : resolve(o, who->cookie, &q, who)) ==
	    ASK_LATER)
		return -EAGAIN;
	add_seen(who);
	return 0;
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
	struct question q = {.hint_tgid = pid, .now = true, .final = true, .since_ns = UINT64_MAX};
	struct proc_rec rec;
	uint64_t cookie;

	memset(out, 0, sizeof(*out));
	out->netns = netns_own(o->netns);
	if (probe_proc(o->probe, pid, &rec) || (rec.flags & PROC_EXITED))
		return -ESRCH;
	cookie = find_process_socket(o, pid, chain, p);
	if (cookie && resolve(o, cookie, &q, out) == ANSWERED && out->origin == ORIGIN_KNOWN)
		return 0;
	out->cookie = 0;
	set_origin(out, ORIGIN_KNOWN);
	out->n = 1;
	out->few[0] = holder_of(pid, &rec);
	return 0;
}
