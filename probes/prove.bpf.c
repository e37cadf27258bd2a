// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Proof of who holds a socket, from the kernel's own structures, at this very moment.
 *
 * A socket has one struct file, and the file counts its references. A sighting is a descriptor at
 * which the file was once seen; it holds if the descriptor table has the file there now. When the
 * sightings that hold are as many as the references, they are all the holders there are: every
 * dup, close, fork, exec, SCM_RIGHTS, pidfd_getfd or io_uring call of the past is in that sum, and
 * none of them needs to be traced.
 *
 * Threads that sleep in calls on the socket have a reference each, and are counted. Others (a
 * thread that is inside a call at this very moment, an io_uring registration) leave the sum short.
 * Then the sightings are still all there is if none of them is lost, none of the holders may have
 * given a descriptor away since they were last proven, and nobody took one (pidfd_getfd).
 */
#include "pidfd.h"
#include "prove.h"
#include "waiter.h"

static __always_inline void holder_fill(struct note_holder *h, __u32 tgid,
					const struct proc_rec *proc)
{
	h->tgid = tgid;
	h->in_flight = proc->in_flight;
	h->start_ns = proc->start_ns;
	h->map_stamp = proc->map_stamp;
	h->exec_pages = 0;
	if (proc->mm && !(proc->flags & PROC_EXITED))
		h->exec_pages = mm_exec_pages(proc->mm);
}

/*
 * The loops over sightings are bpf_loop callbacks (linux 5.17), so that the verifier looks at each
 * body once instead of once per combination of outcomes.
 */
struct weighing {
	struct roster r;
	struct answer *a;
	__u32 only;    /* 0, or the one tgid that is wanted */
	__u32 sending; /* the current thread is in the call that sends the packet */
};

/*
 * Adds a process to the list unless it is there. What is past the list's end has tgid 0. It is
 * marked before its stamp is read, as an execve moves the stamp before it looks for the mark.
 */
static __always_inline void holder_add(struct answer *a, __u32 tgid, struct proc_rec *proc)
{
	__u32 n = a->n_holders;
	struct note_holder *h;

	for (__u32 i = 0; i < ABI_HOLDERS; i++)
		if (a->holder[i].tgid == tgid)
			return;
	if (!(proc->flags & PROC_NAMED))
		proc_mark(proc, PROC_NAMED);
	if (n >= ABI_HOLDERS) {
		a->marks |= MARK_MANY;
		return;
	}
	h = &a->holder[n & (ABI_HOLDERS - 1)];
	holder_fill(h, tgid, proc);
	a->n_holders = n + 1;
	if (tgid == bpf_get_current_pid_tgid() >> 32 &&
	    (proc->shot_stamp != h->map_stamp || proc->shot_pages != h->exec_pages))
		a->marks |= MARK_UNSEEN;
}

/* The users of a table that more than one process has, among those on record. */
struct sharing {
	struct roster r;
	struct answer *a;
	__u64 files;
	__u32 fd;
};

static long count_users(__u32 i, struct sharing *c)
{
	const struct sighting *s = roster_at(&c->r, i);
	struct proc_rec *proc;
	__u32 tgid;

	if (!s || s->files != c->files || s->fd != c->fd)
		return 0;
	tgid = s->tgid;
	proc = bpf_map_lookup_elem(&procs, &tgid);
	if (!proc || ((proc->flags & PROC_EXITED) && !is_leaving(proc, tgid)) ||
	    !threads_use(proc, c->files, &c->a->users))
		return 0;
	if (c->a->first > i)
		c->a->first = i;
	return 0;
}

static long weigh_shared_one(__u32 i, struct sharing *c)
{
	const struct sighting *s = roster_at(&c->r, i);
	const struct task_struct *leader;
	struct answer *a = c->a;
	struct proc_rec *proc;
	__u32 used, tgid;

	if (!s)
		return 1;
	if (!s->files)
		return 0;
	tgid = s->tgid;
	proc = bpf_map_lookup_elem(&procs, &tgid);
	if (!proc || !(proc->flags & PROC_FILES_SHARED) ||
	    !sighting_holds(s, proc, (__u64)c->r.file))
		return 0;
	c->files = s->files;
	c->fd = s->fd;
	used = c->r.rec->used;
	a->users = 0;
	a->first = i;
	bpf_loop(used < ABI_SIGHTINGS ? used : ABI_SIGHTINGS, count_users, c, 0);
	if (a->first == i)
		a->matched++;
	leader = (const void *)proc->task;
	if (a->users != files_users(c->files))
		a->marks |= MARK_SHARED;
	else if (a->users == (__u32)BPF_CORE_READ(leader, signal, nr_threads))
		proc_unmark(proc, PROC_FILES_SHARED); /* all its threads, and nobody else */
	return 0;
}

/*
 * A descriptor in a table that processes share is one reference, and all of them hold it: it counts
 * once, and only if the table has no users but them.
 */
int weigh_shared(struct sock_rec *rec, struct answer *answer, __u64 cookie, __u64 file)
{
	struct sharing c = {.a = answer};

	if (!rec || !answer)
		return 0;
	roster_open(&c.r, cookie, rec, (const struct file *)file);
	bpf_loop(rec->used, weigh_shared_one, &c, 0);
	return 0;
}

/* Whether it may still have a reference that is no descriptor any more. */
static __always_inline bool is_parting(const struct sighting *s, const struct proc_rec *proc)
{
	if (is_closing(s, proc))
		return true;
	return s->tgid == bpf_get_current_pid_tgid() >> 32 && proc->files == s->files &&
	       in_close_of(s->fd);
}

static long weigh_one(__u32 i, struct weighing *w)
{
	const struct sighting *s = roster_at(&w->r, i);
	struct proc_rec *proc;
	__u32 tgid;

	if (!s)
		return 1;
	if (!s->files)
		return 0;
	tgid = s->tgid;
	proc = bpf_map_lookup_elem(&procs, &tgid);
	if (proc && sighting_holds(s, proc, (__u64)w->r.file)) {
		if (proc->flags & PROC_FILES_SHARED)
			w->a->shared++; /* for weigh_shared() */
		else
			w->a->matched++;
	} else if (proc && is_parting(s, proc)) {
		w->a->leaving++;
	} else {
		if (i || !(w->r.rec->flags & SOCK_GUESSED))
			w->a->lost++;
		return 0;
	}
	if (!i)
		w->r.rec->flags &= ~SOCK_GUESSED;
	if (proc->spread_ns > w->a->spread_ns)
		w->a->spread_ns = proc->spread_ns;
	if (proc->gave_ns > w->a->gave_ns)
		w->a->gave_ns = proc->gave_ns;
	if (proc->flags & PROC_COMPAT)
		w->a->spread_ns = w->a->gave_ns = ~0ull;
	if (tgid == bpf_get_current_pid_tgid() >> 32) {
		w->a->marks |= MARK_SENDER;
		/* Where others could close it as the call began, that has a reference too. */
		if ((files_users(s->files) > 1 || (proc->flags & PROC_FILES_SHARED)) &&
		    (w->sending || in_call_on(s->fd)))
			w->a->calls = 1;
	}
	holder_add(w->a, tgid, proc);
	return 0;
}

/*
 * The parts of the proof are functions that are not static: the verifier looks at each of them
 * once, whatever calls it, and not once for each way to get there. So they get plain values and
 * records.
 */
int weigh(struct sock_rec *rec, struct answer *answer, __u64 cookie, __u64 file, __u64 sending)
{
	struct weighing w = {.a = answer};

	if (!rec || !answer)
		return 0;
	w.sending = sending;
	roster_open(&w.r, cookie, rec, (const struct file *)file);
	nobody(answer);
	bpf_loop(rec->used, weigh_one, &w, 0);
	return 0;
}

static long look_at_holder(__u32 i, struct weighing *w)
{
	const struct sighting *s = roster_at(&w->r, i);
	const struct proc_rec *proc;
	__u32 tgid;

	if (!s || !s->files)
		return 0;
	tgid = s->tgid;
	proc = bpf_map_lookup_elem(&procs, &tgid);
	w->only = !proc || has_pidfd(proc);
	return w->only;
}

/* Whether pidfd_getfd can have taken it from one of those on record. */
int may_be_taken(struct sock_rec *rec, __u64 cookie)
{
	struct weighing w = {};

	if (!rec)
		return 1;
	roster_open(&w.r, cookie, rec, NULL);
	bpf_loop(rec->used, look_at_holder, &w, 0);
	return w.only;
}

/* Whether nobody has taken a descriptor of it since; spread: its holders have not even forked. */
static __always_inline bool is_untaken(struct sock_rec *rec, __u64 cookie, __u64 since, bool spread)
{
	struct global_rec *g = global_state();
	struct watch *w;
	bool watched;

	if (!g || g->taken_ns >= since)
		return false;
	w = &g->watch;
	watched = is_watched_since(w, since);
	if (watched && !is_time_to_look(w))
		return true;
	if (!spread && !may_be_taken(rec, cookie))
		return true;
	want_watch(w);
	return watched;
}

/*
 * Whether no holder can have come since the holders were last all known. given_ns: when one of them
 * may last have given it away; spread_ns: the same, and forks.
 */
static __noinline bool is_undisturbed(struct sock_rec *rec, __u64 cookie, __u64 given_ns,
				      __u64 spread_ns)
{
	struct global_rec *g = global_state();
	bool settled = !(rec->flags & SOCK_UNSETTLED);
	__u64 since = rec->proven_ns;

	if (!g)
		return false;
	if ((rec->flags & SOCK_ELDER) && g->scanned_ns > since) {
		since = g->scanned_ns;
		settled = false;
	}
	if (!since || given_ns >= since)
		return false;
	if (!settled && g->received_ns >= since)
		return false; /* it may have lain in a message that was sent before */
	return is_untaken(rec, cookie, since, spread_ns >= since);
}

/*
 * Who is leaving may have closed his already: then one more reference may be of whom a descriptor
 * was given to. Children are looked for where a fork leaves it.
 */
static __always_inline bool sum_proves(struct sock_rec *rec, const struct answer *a, __u64 cookie)
{
	__u32 sum = a->matched + a->calls;

	if (a->references < a->matched || a->references > sum + a->leaving)
		return false;
	return a->references <= sum || is_undisturbed(rec, cookie, a->gave_ns, a->spread_ns);
}

/* Proof without the sum; see the head of this file. */
static __always_inline bool history_proves(struct sock_rec *rec, const struct answer *a,
					   __u64 cookie)
{
	return !a->lost && !(rec->flags & SOCK_CROWDED) &&
	       is_undisturbed(rec, cookie, a->spread_ns, a->spread_ns);
}

/* What no proof can do without: somebody, all users of his table, and whoever is in a call on the
 * socket at this moment. He may have it for so short a time that nothing else tells of him. */
static __always_inline bool is_provable(const struct answer *a, const struct file *file,
					bool sending)
{
	return a->n_holders && !(a->marks & MARK_SHARED) &&
	       ((a->marks & MARK_SENDER) || (!sending && !in_call_with((__u64)file)));
}

static long find_closer(__u32 i, struct weighing *w)
{
	const struct sighting *s = roster_at(&w->r, i);
	__u32 current = bpf_get_current_pid_tgid() >> 32;

	if (!s || !s->files || s->tgid != current)
		return 0;
	w->only = current;
	return 1;
}

static long add_closing(__u32 i, struct weighing *w)
{
	const struct sighting *s = roster_at(&w->r, i);
	struct proc_rec *proc;
	__u32 tgid;

	if (!s || !s->files)
		return 0;
	tgid = s->tgid;
	if (w->only && tgid != w->only)
		return 0;
	proc = bpf_map_lookup_elem(&procs, &tgid);
	if (proc)
		holder_add(w->a, tgid, proc);
	else
		w->a->marks |= MARK_UNKNOWN;
	return 0;
}

/*
 * The last close is under way: no descriptor is left, and the socket's parting words (FIN, data
 * still in its buffer) belong to those who had it, first of all to who is closing it.
 */
int closing_proves(struct sock_rec *rec, struct answer *answer, __u64 cookie)
{
	struct weighing w = {.a = answer};

	if (!rec || !answer)
		return 0;
	roster_open(&w.r, cookie, rec, NULL);
	nobody(answer);
	bpf_loop(rec->used, find_closer, &w, 0);
	bpf_loop(rec->used, add_closing, &w, 0);
	return answer->n_holders && !(answer->marks & MARK_UNKNOWN);
}

/* Nothing but an io_uring has it: it is of who made it, if that never gave a descriptor away. */
int ring_proves(struct sock_rec *rec, struct answer *a)
{
	struct global_rec *g = global_state();
	struct proc_rec *proc;
	__u32 tgid;

	if (!rec || !a || !g)
		return 0;
	tgid = rec->creator;
	proc = bpf_map_lookup_elem(&procs, &tgid);
	if (a->n_holders || !proc || !(proc->flags & PROC_URING) || (proc->flags & PROC_EXITED))
		return 0;
	holder_add(a, tgid, proc);
	if (a->references > 2 || proc->spread_ns >= rec->proven_ns)
		return 0;
	if (!has_pidfd(proc))
		return 1;
	want_watch(&g->watch);
	return is_watched_since(&g->watch, rec->proven_ns);
}

/* Those of the named holders: see waiter.h. */
int count_waiters(struct answer *answer, __u64 file)
{
	struct waiting c;

	if (!answer)
		return 0;
	for (__u32 i = 0; i < ABI_HOLDERS; i++)
		c.holder[i] = answer->holder[i].tgid;
	answer->calls += waiters_count(&c, (const struct file *)file);
	return 0;
}

/* 1: what is on record are all the holders. */
int attempt(struct sock_rec *rec, struct answer *answer, __u64 cookie, __u64 file, __u64 sending)
{
	__s64 before;

	if (!rec || !answer)
		return 0;
	/* Twice: who closed his after we saw it must not stand for one whom we did not see. */
	before = file_count(file);
	weigh(rec, answer, cookie, file, sending);
	if (answer->shared)
		weigh_shared(rec, answer, cookie, file);
	answer->references = file_count(file);
	if (!is_provable(answer, (const struct file *)file, sending) ||
	    before != answer->references) {
		answer->marks |= MARK_UNCLEAR;
		return 0;
	}
	if (answer->references > answer->matched + answer->calls)
		count_waiters(answer, file);
	if (sum_proves(rec, answer, cookie)) {
		rec->proven_ns = bpf_ktime_get_boot_ns();
		rec->flags &= ~(SOCK_UNSETTLED | SOCK_CROWDED);
	} else if (!history_proves(rec, answer, cookie)) {
		return 0;
	}
	answer->marks |= MARK_PROVEN;
	return 1;
}

/* First by what is on record, then after a search where the rest may be, and once more for what
 * changed during that. */
static __always_inline bool prove_open(struct sock_rec *rec, struct answer *a, __u64 cookie,
				       __u64 file, __u64 sending)
{
	a->references = file_count(file);
	if (!a->references) {
		if (!rec->used)
			seek_closer(rec, cookie);
		return closing_proves(rec, a, cookie);
	}
	if (!rec->used)
		seek_acceptor(rec, cookie, file);
	if (!attempt(rec, a, cookie, file, sending)) {
		seek(rec, cookie, file);
		if (!attempt(rec, a, cookie, file, sending) &&
		    !attempt(rec, a, cookie, file, sending))
			return ring_proves(rec, a);
	}
	if (a->lost)
		roster_clean(rec, cookie, file);
	return true;
}

int prove(struct sock_rec *rec, struct answer *answer, __u64 cookie, __u64 file, __u64 sending)
{
	bool proven;

	if (!rec || !answer)
		return 0;
	proven = prove_open(rec, answer, cookie, file, sending);
	answer->changed_ns = rec->changed_ns;
	if (!proven)
		answer->state = NOTE_UNPROVEN;
	else
		answer->state = answer->marks & MARK_MANY ? NOTE_MANY : NOTE_PROVEN;
	return 0;
}
