/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Records of processes: what those who see processes come and go, and those who see them map, do
 * to them alike. */
#ifndef PROBES_PROC_H
#define PROBES_PROC_H

#include "maps.h"
#include "object.h"
#include "path.h"
#include "table.h"

#define HINT_AGAIN_NS 10000000000ull /* the daemon may have dropped the object since */

static __always_inline struct proc_rec *proc_of(__u32 tgid)
{
	return bpf_map_lookup_elem(&procs, &tgid);
}

static __always_inline struct proc_rec *current_proc(void)
{
	return proc_of(bpf_get_current_pid_tgid() >> 32);
}

/* A process's parent or youngest child, if it lives and uses the same memory (CLONE_VM, vfork(2));
 * or NULL. */
static __always_inline struct proc_rec *sharer_of(const struct proc_rec *rec, __u32 tgid)
{
	struct proc_rec *other = rec->flags & PROC_COMPANY ? proc_of(tgid) : NULL;

	return other && other->mm == rec->mm && !(other->flags & PROC_EXITED) ? other : NULL;
}

/*
 * Stamps: unique for each change of a process's mappings. A record starts at the time, in units
 * that are shorter than any change, so that no later record of the process has a stamp of this one.
 */
static __always_inline __u64 first_stamp(void)
{
	return bpf_ktime_get_ns() << 8;
}

static __always_inline void next_stamp(struct proc_rec *rec)
{
	__sync_fetch_and_add(&rec->map_stamp, 1);
}

/*
 * In proc.bpf.c, and not static: the verifier looks at it once, whatever calls it. alone: nobody
 * else adds to the record at the same time. 0: it is there already.
 */
__noinline int object_add(struct proc_rec *rec, const struct object_key *key, __u32 alone);

/*
 * Flags of bpf_ringbuf_submit(): whether the daemon is woken. If it waits for starts it is for all:
 * it reads in order, and one that is being written holds up those after it.
 */
static __always_inline __u64 wake_if(bool news)
{
	__u32 zero = 0;
	const struct wishes *w = bpf_map_lookup_elem(&wishes, &zero);
	bool starts = w && *(const volatile __u64 *)&w->starts;
	bool many = bpf_ringbuf_query(&hints, BPF_RB_AVAIL_DATA) >= ABI_HINTS_WAIT;

	return news || starts || many ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

/* False: there was no room. */
static __always_inline bool hint(__u32 kind, const struct object_key *key, const struct file *file,
				 bool news)
{
	struct hint *h = bpf_ringbuf_reserve(&hints, sizeof(*h), 0);
	struct task_struct *task = (void *)bpf_get_current_task();

	if (!h) {
		count(PCOUNT_HINTS_LOST);
		return false;
	}
	h->kind = kind;
	h->tgid = bpf_get_current_pid_tgid() >> 32;
	h->netns = BPF_CORE_READ(task, nsproxy, net_ns, ns.inum);
	h->object = *key;
	h->n_names = names_of(file, h->names);
	bpf_ringbuf_submit(h, wake_if(news));
	return true;
}

/* Whether the daemon may not have it: it was not told lately. */
static __always_inline bool is_news(const struct object_key *key, __u64 now)
{
	const __u64 *last = bpf_map_lookup_elem(&hinted, key);

	return !last || now - *last >= HINT_AGAIN_NS;
}

/* A program: where its process lives is told each time. */
static __always_inline void hint_program(const struct object_key *key, const struct file *file)
{
	__u64 now = bpf_ktime_get_boot_ns();
	bool news = is_news(key, now);

	if (hint(HINT_EXEC, key, file, news) && news)
		bpf_map_update_elem(&hinted, key, &now, BPF_ANY);
}

/*
 * Every program maps the same few libraries: one hint in a while will do. at: the file that is
 * mapped; fd: by what descriptor. Where that is in an overlay, only that has a name to be found by.
 */
static __always_inline void hint_mapped(const struct object_key *key, __u64 at, __u32 fd)
{
	__u64 now = bpf_ktime_get_boot_ns();
	const struct file *file;

	if (!is_news(key, now))
		return;
	file = current_file(fd);
	if (at && (!file || !is_layered(file)))
		file = (const struct file *)at;
	if (!file)
		return;
	if (hint(HINT_MAP, key, file, true))
		bpf_map_update_elem(&hinted, key, &now, BPF_ANY);
}

#endif
