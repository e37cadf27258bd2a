// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The memo of a socket: what was proven of it, and what its last packet met. */
#include "cache.h"
#include "in_place.h"
#include "pidfd.h"
#include "waiter.h"

#define MEMO_SLACK_MAX 0xffff

int memo_why_moved(const struct memo_holder *h)
{
	const struct proc_rec *proc;
	__u32 tgid;

	if (!h)
		return PCOUNT_CACHE_HOLDERS;
	tgid = h->who.tgid;
	proc = bpf_map_lookup_elem(&procs, &tgid);
	return proc && proc->map_stamp != h->who.map_stamp ? PCOUNT_CACHE_MAPPINGS
							   : PCOUNT_CACHE_HOLDERS;
}

/* How many references that are no descriptors are calls of the current thread. */
__noinline int memo_calls(const struct memo *m, __u64 sending);

int memo_calls(const struct memo *m, __u64 sending)
{
	__u32 current = bpf_get_current_pid_tgid() >> 32;

	if (!m)
		return 0;
	for (__u32 i = 0; i < ABI_MEMO_HOLDERS; i++) {
		const struct memo_holder *h = &m->h[i];

		if (i >= m->n)
			break;
		if (h->who.tgid == current && (sending || in_call_on(h->fd)))
			return files_users(h->files) > 1;
	}
	return 0;
}

/* How many are other threads of the holders, asleep in calls. */
__noinline int memo_waiters(const struct memo *m);

int memo_waiters(const struct memo *m)
{
	struct waiting c;

	if (!m)
		return 0;
	for (__u32 i = 0; i < ABI_HOLDERS; i++)
		c.holder[i] = 0;
	for (__u32 i = 0; i < ABI_MEMO_HOLDERS; i++) {
		if (i >= m->n)
			break;
		c.holder[i] = m->h[i].who.tgid;
	}
	return waiters_count(&c, (const struct file *)m->file);
}

/* Whether a descriptor can have been taken by pidfd_getfd of one of the holders. */
__noinline int memo_may_be_taken(const struct memo *m);

int memo_may_be_taken(const struct memo *m)
{
	if (!m)
		return 1;
	for (__u32 i = 0; i < ABI_MEMO_HOLDERS; i++) {
		__u32 tgid = m->h[i].who.tgid;
		const struct proc_rec *proc;

		if (i >= m->n)
			break;
		proc = bpf_map_lookup_elem(&procs, &tgid);
		if (!proc || has_pidfd(proc))
			return 1;
	}
	return 0;
}

int memo_explains(const struct memo *m, __s64 references, __u64 sending)
{
	struct global_rec *g = global_state();
	__u64 extra, calls;
	struct watch *w;
	bool watched;

	if (!g || !m || references < m->n)
		return 0;
	extra = references - m->n;
	calls = memo_calls(m, sending);
	if (calls >= extra)
		return 1;
	if (extra > m->slack)
		return calls + memo_waiters(m) >= extra;
	w = &g->watch;
	watched = is_watched_since(w, m->when_ns);
	if ((watched && !is_time_to_look(w)) || !memo_may_be_taken(m) ||
	    calls + memo_waiters(m) >= extra)
		return 1;
	want_watch(w);
	return watched;
}

int memo_others_hold(const struct memo *m, __u64 file)
{
	if (!m)
		return PCOUNT_CACHE_HOLDERS;
	for (__u32 i = 1; i < ABI_MEMO_HOLDERS && i < m->n; i++) {
		int why = holder_holds(&m->h[i], file);

		if (why != PCOUNT_COUNT)
			return why;
	}
	return PCOUNT_COUNT;
}

int memo_names(const struct memo *m, __u32 tgid)
{
	if (!m)
		return 0;
	for (__u32 i = 0; i < ABI_MEMO_HOLDERS && i < m->n; i++)
		if (m->h[i].who.tgid == tgid)
			return 1;
	return 0;
}

/* The holder of that number in the answer; NULL: he is not named. */
static __always_inline const struct note_holder *named(const struct answer *a, __u32 tgid)
{
	for (__u32 i = 0; i < ABI_MEMO_HOLDERS; i++)
		if (i < a->n_holders && a->holder[i].tgid == tgid)
			return &a->holder[i];
	return NULL;
}

static __always_inline bool is_among(const struct memo *m, __u32 n, __u32 tgid)
{
	for (__u32 i = 0; i < ABI_MEMO_HOLDERS - 1; i++)
		if (i < n && m->h[i].who.tgid == tgid)
			return true;
	return false;
}

/* One of the descriptors that the proof rests on; 0: it may not be seen to change. */
int memo_add(struct memo *m, __u32 n, const struct sighting *s, __u32 gen, const struct answer *a);

int memo_add(struct memo *m, __u32 n, const struct sighting *s, __u32 gen, const struct answer *a)
{
	const struct note_holder *who;
	const struct proc_rec *proc;
	struct memo_holder *h;
	__u32 tgid;

	if (!m || !s || !a)
		return 0;
	tgid = s->tgid;
	who = named(a, tgid);
	proc = bpf_map_lookup_elem(&procs, &tgid);
	h = &m->h[n & (ABI_MEMO_HOLDERS - 1)];
	if (!who || !proc || who->in_flight || !who->exec_pages || !proc->task ||
	    (proc->flags & (PROC_EXITED | PROC_FILES_SHARED | PROC_URING | PROC_COMPAT)))
		return 0;
	h->again = is_among(m, n, tgid);
	h->task = proc->task;
	h->files = s->files;
	h->fd = s->fd;
	h->gen = gen;
	cache_who_is(&h->who, who);
	return 1;
}

/* All descriptors on the roster, if they are few and all hold. 0: they are not. */
static __always_inline __u32 memo_add_all(struct memo *m, const struct sock_rec *rec,
					  const struct look *l, const struct answer *a)
{
	__u32 n = 0;

	for (__u32 i = 0; i < ABI_MEMO_HOLDERS; i++) {
		const struct sighting *s = &rec->s[i];

		if (i >= rec->used)
			break;
		if (!s->files)
			continue;
		if (!memo_add(m, n, s, l->gen[i], a))
			return 0;
		n++;
	}
	return n == a->matched ? n : 0;
}

int memo_write(const struct look *l, const struct sock_rec *rec, const struct answer *a,
	       __u64 when_ns)
{
	struct memo *m;
	__u32 extra;

	if (!l || !rec || !a)
		return 0;
	m = memo_of(l->cookie);
	if (!m || a->state != NOTE_PROVEN || a->lost || a->leaving ||
	    (a->marks & (MARK_SHARED | MARK_UNKNOWN | MARK_MANY | MARK_UNCLEAR)) ||
	    (rec->flags & (SOCK_UNSETTLED | SOCK_CROWDED | SOCK_GUESSED)) ||
	    rec->used > ABI_MEMO_HOLDERS || !memo_lock(m))
		return 0;
	m->cookie = l->cookie;
	m->file = l->file;
	m->netns = a->netns;
	m->changed_ns = a->changed_ns;
	m->when_ns = when_ns;
	m->joined_then = l->joined;
	m->n = memo_add_all(m, rec, l, a);
	/* A thread may be in a call on it, or in poll(2): as many as now, or one. */
	extra = a->references > m->n ? a->references - m->n : 0;
	m->slack = extra < MEMO_SLACK_MAX ? extra + 1 : MEMO_SLACK_MAX;
	for (__u32 i = 0; i < CACHE_HOOKS; i++)
		memo_forget(m, i);
	memo_unlock(m);
	return 0;
}

int memo_meet(const struct look *l, const struct cache_key *key, __u64 epoch, __u64 until)
{
	struct memo_hook *in;
	struct memo *m;

	if (!l || !key)
		return 0;
	m = memo_of(l->cookie);
	if (!m || !memo_lock(m))
		return 0;
	if (m->cookie == l->cookie && is_of_memo(key, m)) {
		in = &m->in[l->hook & (CACHE_HOOKS - 1)];
		in->tuple = key->tuple;
		in->v.whole = l->whole;
		in->v.class.epoch = epoch;
		in->v.class.until = until;
		in->v.class.verdict = l->verdict;
		in->v.class.tally = l->tally;
	}
	memo_unlock(m);
	return 1;
}
