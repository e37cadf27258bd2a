// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Who will get a connection that nobody has accepted yet: it waits in the queue of one listener
 * (net/ipv4/inet_connection_sock.c: inet_csk_reqsk_queue_add), and where several have its port
 * (SO_REUSEPORT), of one of their group (net/core/sock_reuseport.c).
 *
 * A queue is read without its lock. Who is led astray, as a request is taken out, finds another's
 * queue or nothing: so whose it is, is what the request itself says that has the connection.
 */
#include "mptcp.h"
#include "roster.h"

#define GROUP_MAX 1024
#define QUEUE_MAX 4096

struct queue_walk {
	__u64 connection;
	const struct request_sock *at;
	struct sock **listener;
	__u64 waits_for;
};

static long look_at_request(__u32 i, struct queue_walk *w)
{
	const struct request_sock *at = w->at;

	if (!at)
		return 1;
	if ((__u64)BPF_CORE_READ(at, sk, __sk_common.skc_cookie.counter) == w->connection) {
		w->waits_for =
			kept_cookie(open_socket(BPF_CORE_READ(at, __req_common.skc_listener)));
		return 1;
	}
	w->at = BPF_CORE_READ(at, dl_next);
	return 0;
}

static __always_inline void look_at_queue(const struct sock *sk, struct queue_walk *w)
{
	const struct inet_connection_sock *listener = (const void *)sk;

	if (BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_LISTEN)
		return;
	w->at = BPF_CORE_READ(listener, icsk_accept_queue.rskq_accept_head);
	bpf_loop(QUEUE_MAX, look_at_request, w, 0);
}

static long look_at_listener(__u32 i, struct queue_walk *w)
{
	struct sock *sk;

	if (bpf_probe_read_kernel(&sk, sizeof(sk), w->listener + i))
		return 1;
	look_at_queue(sk, w);
	return w->waits_for != 0;
}

static __always_inline void look_at_group(const struct sock *sk, struct queue_walk *w)
{
	const struct sock_reuseport *group = BPF_CORE_READ(sk, sk_reuseport_cb);
	__u32 n;

	if (!group) {
		look_at_queue(sk, w);
		return;
	}
	w->listener = (void *)group + bpf_core_field_offset(struct sock_reuseport, socks);
	n = BPF_CORE_READ(group, num_socks);
	bpf_loop(n < GROUP_MAX ? n : GROUP_MAX, look_at_listener, w, 0);
}

SEC("syscall")
int find_accept_queue(struct queue_args *args)
{
	const struct sock_rec *rec = sock_record_kept(args->listener);
	struct queue_walk w = {.connection = args->connection};

	if (rec && rec->sk && w.connection && !is_gone_quick(rec, args->listener))
		look_at_group(path_of((const struct sock *)rec->sk), &w);
	args->waits_for = w.waits_for;
	return 0;
}
