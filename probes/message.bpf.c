// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Messages with descriptors, as the sockets that carry them tell of them (linux 6.3): no system
 * call is traced for that. The calls of an io_uring are not looked into: uring_complete().
 */
#include "message.h"

#define VECTOR_MAX 64 /* messages of one call that are looked into */

enum { CALL_SENDMSG = 46, CALL_RECVMSG = 47, CALL_RECVMMSG = 299, CALL_SENDMMSG = 307 };

/* How many messages the current thread's call may be about, if it is one of these two; *at is the
 * address of the first. */
static __always_inline __u32 messages_of(long one, long several, __u64 *at)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct pt_regs *regs = registers_of(task);

	if ((task->flags & (PF_KTHREAD | PF_IO_WORKER)) || in_call_of_32_bits(task))
		return 0;
	*at = regs->si;
	if ((long)regs->orig_ax == one)
		return 1;
	return (long)regs->orig_ax == several ? regs->dx : 0;
}

/* What others find in it is on its way already: it is at one of the messages, and any may be the
 * one that has gone. */
SEC("tp_btf/sock_send_length")
int BPF_PROG(message_sent, struct sock *sk, int ret)
{
	__u64 at = 0;
	__u32 n;

	if (sk->__sk_common.skc_family != AF_UNIX || ret < 0)
		return 0;
	n = messages_of(CALL_SENDMSG, CALL_SENDMMSG, &at);
	if (n > VECTOR_MAX)
		spread();
	else if (n)
		bpf_loop(n, sent_one, &at, 0);
	return 0;
}

/*
 * The descriptors are in the table by now, and their numbers in the caller's buffer; how much of
 * that is filled the kernel has not said yet: what is behind it may be of a message before.
 */
SEC("tp_btf/sock_recv_length")
int BPF_PROG(message_received, struct sock *sk, int ret)
{
	__u64 at = 0;
	__u32 n;

	if (sk->__sk_common.skc_family != AF_UNIX || ret < 0)
		return 0;
	n = messages_of(CALL_RECVMSG, CALL_RECVMMSG, &at);
	if (n > VECTOR_MAX)
		received();
	else if (n)
		bpf_loop(n, received_one, &at, 0);
	return 0;
}
