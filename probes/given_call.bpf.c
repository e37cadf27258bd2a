// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Who comes to hold a socket, as the exits of system calls tell it. Each call of each process pays
 * for that as soon as one is traced: where the kernel tells enough without (linux 6.17 on) only the
 * last of these is loaded, and attached while it is needed (message.bpf.c, pidfd.h).
 */
#include "message.h"

static __always_inline int accepted(long fd)
{
	const struct files_struct *files = bpf_get_current_task_btf()->files;
	struct sock *sk = fd < 0 ? NULL : socket_of(current_file(fd));
	struct sock_rec *rec;
	__u64 cookie;

	if (!sk || !is_covered(BPF_CORE_READ(sk, __sk_common.skc_net.net, net_cookie)))
		return 0;
	cookie = kept_cookie(sk);
	rec = cookie ? new_record(cookie, files, fd) : NULL;
	if (!rec)
		return 0;
	rec->accepted_ns = rec->proven_ns;
	rec->sk = (__u64)sk;
	rec->netns = sock_netns(sk);
	return 0;
}

SEC("tp/syscalls/sys_exit_accept")
int exit_accept(struct trace_event_raw_sys_exit *ctx)
{
	return accepted(ctx->ret);
}

SEC("tp/syscalls/sys_exit_accept4")
int exit_accept4(struct trace_event_raw_sys_exit *ctx)
{
	return accepted(ctx->ret);
}

/* The address of the message, or of the first of them, of the call that is ending. */
static __always_inline __u64 message(void)
{
	const struct pt_regs *regs = registers_of(bpf_get_current_task_btf());

	return regs->si;
}

SEC("tp/syscalls/sys_exit_sendmsg")
int exit_sendmsg(struct trace_event_raw_sys_exit *ctx)
{
	__u64 header = message();

	if (ctx->ret >= 0)
		sent_one(0, &header);
	return 0;
}

SEC("tp/syscalls/sys_exit_sendmmsg")
int exit_sendmmsg(struct trace_event_raw_sys_exit *ctx)
{
	__u64 header = message();

	if (ctx->ret > 0)
		bpf_loop(ctx->ret, sent_one, &header, 0);
	return 0;
}

SEC("tp/syscalls/sys_exit_recvmsg")
int exit_recvmsg(struct trace_event_raw_sys_exit *ctx)
{
	__u64 header = message();

	if (ctx->ret >= 0)
		received_one(0, &header);
	return 0;
}

SEC("tp/syscalls/sys_exit_recvmmsg")
int exit_recvmmsg(struct trace_event_raw_sys_exit *ctx)
{
	__u64 header = message();

	if (ctx->ret > 0)
		bpf_loop(ctx->ret, received_one, &header, 0);
	return 0;
}

/* A descriptor was taken out of another process. */
SEC("tp/syscalls/sys_exit_pidfd_getfd")
int exit_pidfd_getfd(struct trace_event_raw_sys_exit *ctx)
{
	struct global_rec *g = global_state();

	if (ctx->ret < 0)
		return 0;
	if (!given(ctx->ret) && g)
		g->taken_ns = bpf_ktime_get_boot_ns();
	return 0;
}
