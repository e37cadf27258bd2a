/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a note says where the memo of the packet's socket says it all. It is part of
 * in_place.bpf.c. */
#ifndef PROBES_NOTE_BY_MEMO_H
#define PROBES_NOTE_BY_MEMO_H

#include "cache.h"
#include "cast.h"

/* As nfqnl_put_sk_uidgid() in net/netfilter/nfnetlink_queue.c, which takes a lock for it. */
static __always_inline void name_opener(struct note *note, __u64 file)
{
	const struct cred *cred = field(view(file, file), f_cred);

	note->uid = field(cred, fsuid.val);
	note->gid = field(cred, fsgid.val);
}

static __always_inline void name_holder(struct note_holder *to, const struct cache_who *who)
{
	to->tgid = who->tgid;
	to->in_flight = 0;
	to->start_ns = who->start_ns;
	to->map_stamp = who->map_stamp;
	to->exec_pages = who->exec_pages;
}

int note_opener(struct note *note, __u64 file)
{
	if (note)
		name_opener(note, file);
	return 0;
}

int note_by_memo(struct note *note, const struct look *l)
{
	const struct memo *m;
	__u32 n = 0;
	__u64 seq;

	if (!note || !l)
		return 0;
	m = memo_of(l->cookie);
	if (!m)
		return 0;
	seq = *(const volatile __u64 *)&m->seq;
	barrier();
	if ((seq & 1) || m->cookie != l->cookie)
		return 0;
	for (__u32 i = 0; i < ABI_MEMO_HOLDERS; i++) {
		if (i >= m->n)
			break;
		if (!m->h[i].again)
			name_holder(&note->holder[n++ & (ABI_HOLDERS - 1)], &m->h[i].who);
	}
	note->netns = m->netns;
	note->changed_ns = m->changed_ns;
	note->n_holders = n;
	note->state = NOTE_PROVEN;
	barrier();
	if (*(const volatile __u64 *)&m->seq != seq || !n) {
		note->n_holders = 0; /* who is written there now is not known */
		return 0;
	}
	name_opener(note, l->file);
	note->cookie = l->cookie;
	return 1;
}

#endif
