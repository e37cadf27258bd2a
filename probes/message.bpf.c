// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Messages with descriptors, as the sockets that carry them tell of them (linux 6.3): no system
 * call is traced for that. The calls of an io_uring are not looked into: uring_complete().
 */
#include "message.h"

#define VECTOR_MAX 64 /* messages of one call that are looked into */

enum { CALL_SENDMSG = 46, CALL_RECVMSG = 47, CALL_RECVMMSG = 299, CALL_SENDMMSG = 307 };

/* The number of the call that the current thread is in, if it is one of its own; else -1. */
static __always_inline long current_call(const struct pt_regs **regs)
{
	struct task_struct *task = bpf_get_current_task_btf();

	*regs = registers_of(task);
	if ((task->flags & (PF_KTHREAD | PF_IO_WORKER)) || in_call_of_32_bits(task))
		return -1;
	return (*regs)->orig_ax;
}

/* What others find in it is on its way already: it is at one of the messages, and any may be the
 * one that has gone. */
SEC("tp_btf/sock_send_length")
int BPF_PROG(message_sent, struct sock *sk, int ret)
{
	const struct pt_regs *regs;
	__u64 messages;
	__u32 n;

	if (sk->__sk_common.skc_family != AF_UNIX || ret < 0)
		return 0;
	switch (current_call(&regs)) {
	case CALL_SENDMSG:
		messages = regs->si;
		sent_one(0, &messages);
		break;
	case CALL_SENDMMSG:
		messages = regs->si;
		n = regs->dx;
		if (n > VECTOR_MAX)
			spread();
		else
			bpf_loop(n, sent_one, &messages, 0);
		break;
	}
	return 0;
}

/*
 * The descriptors are in the table by now, and their numbers in the caller's buffer; how much of
 * that is filled the kernel has not said yet: what is behind it may be of a message before.
 */
SEC("tp_btf/sock_recv_length")
int BPF_PROG(message_received, struct sock *sk, int ret)
{
	const struct pt_regs *regs;
	__u64 messages;
	__u32 n;

	if (sk->__sk_common.skc_family != AF_UNIX || ret < 0)
		return 0;
	switch (current_call(&regs)) {
	case CALL_RECVMSG:
		messages = regs->si;
		received_one(0, &messages);
		break;
	case CALL_RECVMMSG:
		messages = regs->si;
		n = regs->dx;
		if (n > VECTOR_MAX)
			received();
		else
			bpf_loop(n, received_one, &messages, 0);
		break;
	}
	return 0;
}
