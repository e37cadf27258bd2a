// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* See in_place.h. The look-up is of this object too: what it reads in place it reads without a
 * call. */
#include "cast.h"
#include "look.h"
#include "mptcp.h"
#include "note_by_memo.h"
#include "print.h"

static __always_inline bool is_multipath(const struct sock *sk, __u16 protocol)
{
	if (!bpf_core_type_exists(struct mptcp_subflow_context))
		return false;
	return protocol == IPPROTO_TCP ? field(view(tcp_sock, (__u64)sk), is_mptcp)
				       : protocol == IPPROTO_MPTCP;
}

int sock_look(struct sock_view *v, __u64 at)
{
	const struct socket *socket;
	const struct sock *sk;
	const struct net *net;
	__u8 state;

	if (!v)
		return 0;
	v->open = 0;
	sk = view(sock, at);
	state = at ? field(sk, __sk_common.skc_state) : TCP_TIME_WAIT;
	if (state == TCP_NEW_SYN_RECV) {
		at = (__u64)field(sk, __sk_common.skc_listener);
		sk = view(sock, at);
	}
	if (state == TCP_TIME_WAIT || !at)
		return 0;
	v->open = at;
	v->protocol = field(sk, sk_protocol);
	v->path = v->cookie = field(sk, __sk_common.skc_cookie.counter);
	if (is_multipath(sk, v->protocol)) {
		v->open = (__u64)open_socket((const struct sock *)at);
		v->cookie = kept_cookie((const struct sock *)v->open);
		sk = view(sock, v->open);
	}
	net = field(sk, __sk_common.skc_net.net);
	v->netns = field(net, ns.inum);
	v->dead = field(sk, __sk_common.skc_flags) & SOCK_DEAD_BIT;
	socket = field(sk, sk_socket);
	v->accepted = socket;
	v->file = socket ? (__u64)field(socket, file) : 0;
	return 1;
}

int sock_is_over(__u64 at, __u64 cookie)
{
	return is_over(view(sock, at), CAN_CAST, at, cookie);
}

long file_count(__u64 at)
{
	return file_references(view(file, at), CAN_CAST);
}

int task_has(__u64 leader, __u64 files, __u32 fd, __u64 file)
{
	return has(view(task_struct, leader), files, fd, file);
}

int in_call_with(__u64 file)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct files_struct *files = task->files;
	const struct pt_regs *regs = call_of(task);

	return regs && files && table_has_at(files, regs->di, file);
}

static __always_inline bool has_pidfd(const struct task_struct *task)
{
	const struct pid *pid = field(task, thread_pid);

	return bpf_core_field_exists(pid->attr) && field(pid, attr);
}

int task_has_pidfd(__u64 task)
{
	return has_pidfd(view(task_struct, task));
}

int threads_have_pidfd(__u64 leader)
{
	const __u64 node = bpf_core_field_offset(struct task_struct, thread_node);
	const struct task_struct *task = view(task_struct, leader);
	const struct signal_struct *process = field(task, signal);
	const struct list_head *at = field(process, thread_head.next);

	for (int i = 0; i < PIDFD_THREADS; i++) {
		task = view(task_struct, (__u64)at - node);
		/* The end of the list, or it leads astray. */
		if (!at || field(task, signal) != process)
			return 0;
		if (has_pidfd(task))
			return 1;
		at = field(task, thread_node.next);
	}
	return 1;
}

__u32 files_users(__u64 files)
{
	return field(view(files_struct, files), count.counter);
}

__u64 mm_exec_pages(__u64 mm)
{
	return field(view(mm_struct, mm), exec_vm);
}

int holder_holds(const struct memo_holder *h, __u64 file)
{
	return h ? is_as_before(h, file, false) : PCOUNT_CACHE_HOLDERS;
}

int mapping_is_made(__u64 at, __u32 sequence)
{
	const struct vm_area_struct *vma = cast(vm_area_struct, at);

	return vma->vm_lock_seq == sequence && (vma->vm_flags & VM_EXEC);
}

int mapping_view(struct view *v, __u64 at)
{
	if (v)
		view_of(v, cast(vm_area_struct, at));
	return 0;
}

int mapping_told(struct vma_rec *rec, __u64 task, __u64 vma)
{
	if (rec && CAN_CAST)
		mapping_tell(rec, cast(task_struct, task), cast(vm_area_struct, vma));
	return 0;
}
