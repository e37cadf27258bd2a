// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Who has which sockets open, by the descriptors of all processes, or of one: of what is older than
 * the probes, and where all else has failed.
 */
#include "given.h"
#include "listener.h"
#include "mptcp.h"

#define WORDS 16 /* of the bits of a table, 64 descriptors each, that are looked at at once */

static __always_inline bool may_listen(const struct sock *sk)
{
	__u8 state = BPF_CORE_READ(sk, __sk_common.skc_state);
	__u16 protocol = BPF_CORE_READ(sk, sk_protocol);

	return state == TCP_LISTEN ||
	       (state == TCP_CLOSE && (protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP));
}

/*
 * That a socket is open there. It may be closed by now: what is on record is read anew before it is
 * believed. Not static: the verifier looks at it once. Returns 0.
 */
__noinline int put_on_record(__u64 at, __u64 cookie, __u64 files, __u32 tgid, __u32 fd);

int put_on_record(__u64 at, __u64 cookie, __u64 files, __u32 tgid, __u32 fd)
{
	const struct sock *sk = (const struct sock *)at, *path = path_of(sk);
	struct sock_rec *rec = sock_record(cookie);
	struct global_rec *g = global_state();
	__u64 first = path != sk ? sock_cookie(path) : 0;

	if (!rec)
		return 0;
	if (!rec->sk && !rec->proven_ns && g && !g->scanned_ns)
		rec->flags |= SOCK_ELDER;
	rec->sk = at;
	rec->netns = sock_netns(sk);
	roster_add(rec, cookie, files, tgid, fd);
	if (kept_cookie(sk) != cookie) /* its path may have been another's */
		return 0;
	path_add(first, cookie);
	if (may_listen(sk))
		listener_add(BPF_CORE_READ(sk, __sk_common.skc_net.net, net_cookie),
			     BPF_CORE_READ(sk, __sk_common.skc_num), cookie);
	return 0;
}

/*
 * Every descriptor, with a reference to its file for as long as it is looked at: by that a socket
 * that has none yet can be given a cookie. But it is a reference that nobody can explain who proves
 * meanwhile who holds the socket.
 */
SEC("iter/task_file")
int scan_files(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct socket *socket;
	struct sock *sk;
	__u64 cookie;

	if (!task || !file)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;
	sk = socket->sk;
	if (!sk || !family_is_inet(sk->__sk_common.skc_family) ||
	    !is_covered(sk->__sk_common.skc_net.net->net_cookie))
		return 0;
	cookie = is_accepted_mptcp(sk) ? kept_cookie(sk) : bpf_get_socket_cookie(sk);
	if (cookie)
		put_on_record((__u64)BPF_CORE_READ(socket, sk), cookie,
			      (__u64)BPF_CORE_READ(task, files), task->tgid, ctx->fd);
	return 0;
}

struct reading {
	struct file **array;
	unsigned long *open;
	__u64 files;
	__u64 bits; /* of the word that it is at */
	__u32 word, words;
	__u32 tgid;
	__u32 bare; /* one has no cookie */
};

static long read_one(__u32 bit, struct reading *r)
{
	__u32 fd = r->word * 64 + bit;
	const struct file *file = NULL, *still = NULL;
	const struct sock *sk;
	__u64 cookie;

	if (!(r->bits >> bit))
		return 1;
	if (!(r->bits >> bit & 1) || bpf_probe_read_kernel(&file, sizeof(file), r->array + fd))
		return 0;
	sk = socket_of(file);
	if (!sk || !is_covered(BPF_CORE_READ(sk, __sk_common.skc_net.net, net_cookie)))
		return 0;
	cookie = kept_cookie(sk);
	bpf_probe_read_kernel(&still, sizeof(still), r->array + fd);
	if (still != file) /* what was read may be of two that had the same memory */
		return 0;
	if (cookie)
		put_on_record((__u64)sk, cookie, r->files, r->tgid, fd);
	else
		r->bare |= !is_accepted_mptcp(sk);
	return !!r->bare;
}

static long read_word(__u32 i, struct reading *r)
{
	if (r->word >= r->words)
		return 1;
	if (!bpf_probe_read_kernel(&r->bits, sizeof(r->bits), r->open + r->word) && r->bits)
		bpf_loop(64, read_one, r, 0);
	r->word++;
	return !!r->bare;
}

/* Whose table is his leader's too has been looked at with that. */
static __always_inline bool has_own_table(const struct task_struct *task)
{
	return task->files && (task->pid == task->tgid || task->files != task->group_leader->files);
}

/*
 * The same by the tables alone, a part of each at a time (1: the rest is next), and without a
 * reference to any file. A byte is written where a socket has no cookie: then scan_files() is to
 * do it.
 */
SEC("iter/task")
int scan_tables(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	__u64 session = ctx->meta->session_id;
	struct reading r = {};
	const struct files_struct *files;
	struct scan *before, next;
	struct fdtable *fdt;

	if (!task || !has_own_table(task))
		return 0;
	files = BPF_CORE_READ(task, files);
	fdt = BPF_CORE_READ(files, fdt);
	r.files = (__u64)files;
	r.tgid = task->tgid;
	r.array = BPF_CORE_READ(fdt, fd);
	r.open = BPF_CORE_READ(fdt, open_fds);
	r.words = BPF_CORE_READ(fdt, max_fds) / 64;
	before = r.words > WORDS ? bpf_map_lookup_elem(&scans, &session) : NULL;
	if (before && before->pid == (__u32)task->pid)
		r.word = before->word;
	bpf_loop(WORDS, read_word, &r, 0);
	if (r.bare)
		bpf_seq_write(ctx->meta->seq, "", 1);
	if (r.bare || r.word >= r.words)
		return 0;
	next = (struct scan){.pid = task->pid, .word = r.word};
	return !bpf_map_update_elem(&scans, &session, &next, BPF_ANY);
}
