// SPDX-License-Identifier: GPL-2.0-or-later
#include "sockowner.h"

#include "clock.h"
#include "hindsight.h"

#define LONG_SCAN_NS   1000000ull /* of one process: what the loop can spare now and then */
#define REFERENCES_MAX 4096
#define SETTLING_NS    5000000ull
#define ACCEPT_TRIES   50 /* accept(2) takes less from the socket to its descriptor */

void sockowner_set_many(struct sockowner *o, const struct answer *answer, struct attribution *a)
{
	struct sighting roster[PROBE_ROSTER_MAX];
	int n = probe_roster(o->probe, a->cookie, answer->changed_ns, roster);

	attribution_set(a, ORIGIN_UNKNOWN);
	for (int i = 0; i < n; i++) {
		struct note_holder h;
		struct proc_rec proc;

		if (attribution_has(a, roster[i].tgid))
			continue;
		if (probe_proc(o->probe, roster[i].tgid, &proc))
			return;
		h = note_holder_of(roster[i].tgid, &proc);
		if (!attribution_add(a, &h))
			return;
	}
	if (n > 0)
		a->origin = ORIGIN_KNOWN;
}

/* By those who are all known. */
static bool is_held(const struct proof *p)
{
	return p->state == NOTE_PROVEN || p->state == NOTE_MANY;
}

static bool proven(const struct proof *p)
{
	return is_held(p) || p->state == NOTE_KERNEL;
}

/* One process's descriptors, unless such scans have lately taken long: then the scanner's turn. */
static bool prove_by_process(struct sockowner *o, uint32_t tgid, uint64_t cookie, struct proof *p)
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
static bool prove_by_hints(struct sockowner *o, uint64_t cookie, uint32_t hint_tgid,
			   struct proof *p)
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

/* Nobody has it any more. Those who were seen were all, if births explain the rest. */
static void set_closed(struct sockowner *o, const struct question *q, struct attribution *out)
{
	attribution_set(out, q->was_open && !q->now ? ORIGIN_UNKNOWN : ORIGIN_KERNEL);
	if (out->origin == ORIGIN_UNKNOWN && q->noted && out->n_seen &&
	    hindsight_births(o->probe, q, out) >= q->unexplained)
		attribution_set_holders(out, out->seen, out->n_seen);
}

/* While processes are being forked or are ending, what cannot be told now may be told at once. */
static bool is_settling(const struct question *q)
{
	return q->noted && !q->now && !q->final && clock_boot_ns() < q->since_ns + SETTLING_NS;
}

static enum reply set_proven(struct sockowner *o, const struct question *q, const struct proof *p,
			     struct attribution *out)
{
	if (p->netns)
		out->netns = p->netns;
	out->orphan = p->flags & NOTE_ORPHAN;
	if (p->state == NOTE_MANY)
		sockowner_set_many(o, &p->answer, out);
	else if (p->state == NOTE_PROVEN)
		attribution_set_holders(out, p->holder, p->n_holders);
	else
		set_closed(o, q, out);
	if (p->state == NOTE_KERNEL || out->origin != ORIGIN_KNOWN ||
	    !hindsight_may_have_changed(q, p))
		return ANSWERED;
	if (hindsight_all_seen(o->probe, q, out)) {
		attribution_set_holders(out, out->seen, out->n_seen);
		return ANSWERED;
	}
	attribution_set(out, ORIGIN_UNKNOWN);
	return is_settling(q) ? ASK_LATER : ANSWERED;
}

/* Also of a socket that was in accept(2): who will have it in a moment, is looked for until then.
 * Later he may have closed it. */
static int prove(struct sockowner *o, uint64_t cookie, uint64_t scanned_ns,
		 const struct question *q, struct proof *p)
{
	int r = probe_prove(o->probe, cookie, scanned_ns, p);

	for (int i = 0; i < ACCEPT_TRIES && !r && p->state == NOTE_UNPROVEN && !p->flags &&
			q->noted && q->nobody && !q->final && hindsight_nobody(&p->answer);
	     i++)
		r = probe_prove(o->probe, cookie, scanned_ns, p);
	return r;
}

static enum reply resolve(struct sockowner *o, uint64_t cookie, const struct question *q,
			  struct attribution *out)
{
	uint64_t began = scanner_began_ns(o->scanner);
	bool scanned = began > q->since_ns && probe_scan_counts(o->probe, began);
	struct note_holder acceptor;
	struct proof p;

	attribution_set(out, ORIGIN_UNKNOWN);
	out->cookie = cookie;
	if (prove(o, cookie, scanned ? began : 0, q, &p))
		return ANSWERED;
	/* Of one that is not on record it is not known. */
	out->shared = p.state ? p.flags & (NOTE_SHARED | NOTE_STEERED) : NOTE_SHARED;
	if (p.flags & NOTE_UNACCEPTED)
		return ASK_LISTENER;
	if (!p.state && q->noted) {
		set_closed(o, q, out);
		return ANSWERED;
	}
	/* Of what comes in it counts who has it by now, and he may have been given it. */
	if (!(q->now && is_held(&p)) && hindsight_acceptor(o->probe, cookie, q, &acceptor)) {
		attribution_set_holders(out, &acceptor, 1);
		return ANSWERED;
	}
	if (proven(&p) || (!scanned && prove_by_hints(o, cookie, q->hint_tgid, &p)))
		return set_proven(o, q, &p, out);
	if (p.flags & NOTE_UNACCEPTED)
		return ASK_LISTENER;
	if (q->now)
		attribution_set_seen(out, &p.answer); /* certain, even if they are not all */
	if (q->final || hopeless(&p) || (!p.state && began + QUEUE_LAG_NS > q->since_ns))
		return ANSWERED;
	if (scanned)
		return is_settling(q) ? ASK_LATER : ANSWERED;
	scanner_request(o->scanner);
	return ASK_LATER;
}

enum reply sockowner_resolve(struct sockowner *o, uint64_t cookie, const struct question *q,
			     struct attribution *out)
{
	enum reply reply = resolve(o, probe_open_socket(o->probe, cookie), q, out);

	if (q->noted && !q->now)
		hindsight_programs(o->probe, q, out);
	return reply;
}
