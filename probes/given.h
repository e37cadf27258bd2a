/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Descriptors that are given from one process to another, in messages (SCM_RIGHTS, unix(7)) or
 * otherwise: who gave may have given any of his, what came is put on record.
 */
#ifndef PROBES_GIVEN_H
#define PROBES_GIVEN_H

#include "mptcp.h"
#include "roster.h"

/* Whether packets of a namespace are judged: of others, nothing is put on record. */
static __always_inline bool is_covered(__u64 netns_cookie)
{
	const struct global_rec *g = global_state();

	return g && (g->everywhere || g->own_netns == netns_cookie);
}

/* The record of a socket that nobody but the current process can hold yet. */
static __always_inline struct sock_rec *new_record(__u64 cookie, const struct files_struct *files,
						   __u32 fd)
{
	struct sock_rec *rec = sock_record_new(cookie);

	if (!rec)
		return NULL;
	rec->creator = bpf_get_current_pid_tgid() >> 32;
	rec->proven_ns = bpf_ktime_get_boot_ns();
	if (files) {
		rec->s[0].files = (__u64)files;
		rec->s[0].tgid = rec->creator;
		rec->s[0].fd = fd;
		rec->used = 1;
	}
	return rec;
}

/* The Internet socket that is open as this file; NULL: it is none. */
static __always_inline struct sock *socket_of(const struct file *file)
{
	struct socket *socket;
	struct sock *sk;

	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	socket = BPF_CORE_READ(file, private_data);
	if (BPF_CORE_READ(socket, file) != file)
		return NULL;
	sk = BPF_CORE_READ(socket, sk);
	return family_is_inet(BPF_CORE_READ(sk, __sk_common.skc_family)) ? sk : NULL;
}

/*
 * The current process has been given a descriptor: if it is a socket's, it is on the roster at
 * once. False: what it is could not be seen, or not be put on record.
 */
static __always_inline bool given(__u32 fd)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct file *file = current_file(fd);
	struct sock *sk = socket_of(file);
	__u64 cookie = sk ? kept_cookie(sk) : 0;
	struct sock_rec *rec;

	/* Nobody else can have closed it: the number is one that was left there long ago. */
	if (!sk)
		return file || files_users((__u64)BPF_CORE_READ(task, files)) == 1;
	if (!is_covered(BPF_CORE_READ(sk, __sk_common.skc_net.net, net_cookie)))
		return true;
	rec = cookie ? sock_record(cookie) : NULL;
	if (!rec)
		return false;
	if (!rec->netns) {
		rec->netns = sock_netns(sk);
		rec->sk = (__u64)sk;
	}
	return roster_add(rec, cookie, (__u64)BPF_CORE_READ(task, files), task->tgid, fd);
}

/* The current process may have given descriptors away. */
static __always_inline void spread(void)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct proc_rec *rec = bpf_map_lookup_elem(&procs, &tgid);

	if (rec)
		rec->gave_ns = rec->spread_ns = bpf_ktime_get_boot_ns();
	gen_move(tgid);
}

/* Descriptors have come, from whomever, and which they are is not on record. */
static __always_inline void received(void)
{
	struct global_rec *g = global_state();

	if (g)
		g->received_ns = bpf_ktime_get_boot_ns();
}

#endif
