// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Sockets: who was seen to hold which, and when a holder may have given one away. What is kept here
 * only says where to look: prove.bpf.c reads the truth.
 */
#include "given.h"
#include "listener.h"
#include "mptcp.h"
#include "prove.h"

/* The context of a program at a socket of a cgroup (kernel/bpf/cgroup.c:
 * __cgroup_bpf_run_filter_sk). */
static __always_inline const struct sock *itself(const struct bpf_sock *ctx)
{
	return (const struct sock *)ctx;
}

/*
 * Every way to create an Internet socket passes here: socket(2) of 64 and 32 bits, io_uring. The
 * descriptor comes after, and where is a guess.
 */
SEC("cgroup/sock_create")
int sock_created(struct bpf_sock *ctx)
{
	const struct files_struct *files;
	struct sock_rec *rec;

	if (!is_covered(bpf_get_netns_cookie(ctx)))
		return 1;
	files = bpf_get_current_task_btf()->files;
	rec = new_record(bpf_get_socket_cookie(ctx), files, next_descriptor(files));
	if (rec) {
		rec->flags |= SOCK_GUESSED;
		rec->sk = (__u64)itself(ctx);
	}
	return 1;
}

/*
 * A connection accepted by the stack has no cookie until somebody asks for it. That it is one, the
 * kernel tells at each of its states, as of every other; of its congestion control it tells once,
 * as the connection is made (net/ipv4/tcp_minisocks.c: tcp_ca_openreq_child).
 */
SEC("tp_btf/tcp_cong_state_set")
int BPF_PROG(connection_made, struct sock *sk)
{
	if (sk->__sk_common.skc_state == TCP_SYN_RECV &&
	    is_covered(sk->__sk_common.skc_net.net->net_cookie))
		bpf_get_socket_cookie(sk);
	return 0;
}

/* Who listens has chosen a port before, as a rule. */
static __always_inline int port_chosen(struct bpf_sock *ctx)
{
	__u64 netns, path, open;

	if (ctx->protocol != IPPROTO_TCP)
		return 1;
	netns = bpf_get_netns_cookie(ctx);
	if (!is_covered(netns))
		return 1;
	path = bpf_get_socket_cookie(ctx);
	open = kept_cookie(open_socket(itself(ctx)));
	if (open != path)
		path_add(path, open);
	listener_add(netns, ctx->src_port, open);
	return 1;
}

SEC("cgroup/post_bind4")
int port_chosen_4(struct bpf_sock *ctx)
{
	return port_chosen(ctx);
}

SEC("cgroup/post_bind6")
int port_chosen_6(struct bpf_sock *ctx)
{
	return port_chosen(ctx);
}

/* Whether descriptors can be in what is sent or received there: no socket but a unix(7) one carries
 * any. */
static __always_inline bool carries_descriptors(const struct file *file)
{
	return !file || !socket_of(file);
}

/* A request of an io_uring is done: the message itself is not looked into. */
SEC("tp_btf/io_uring_complete")
int BPF_PROG(uring_complete, void *ring, struct io_kiocb *request)
{
	if (!request)
		return 0;
	switch (BPF_CORE_READ(request, opcode)) {
	case 40: /* IORING_OP_MSG_RING */
		spread();
		break;
	case 9:	 /* IORING_OP_SENDMSG */
	case 48: /* IORING_OP_SENDMSG_ZC */
		if (carries_descriptors(BPF_CORE_READ(request, file)))
			spread();
		break;
	case 10: /* IORING_OP_RECVMSG */
		if (carries_descriptors(BPF_CORE_READ(request, file)))
			received();
		break;
	}
	return 0;
}

/* Of the daemon, once it traces calls of pidfd_getfd; and before it does so no more. */
SEC("syscall")
int watch_calls(struct watch_args *args)
{
	struct global_rec *g = global_state();
	__u64 now = bpf_ktime_get_boot_ns();
	struct watch *w;

	if (!g)
		return 0;
	w = &g->watch;
	if (args->traced && !w->since_ns)
		w->since_ns = w->used_ns = now;
	else if (!args->traced)
		w->since_ns = w->asked = 0;
	args->used_ns = w->used_ns;
	return 0;
}

/*
 * What a scan did not find is gone; what did not fit while it scanned is not on record, and the
 * next one will show it. Not inlined: what it needs of the stack, the proof needs after it.
 */
static __noinline void take_scan(struct sock_rec *rec, __u64 cookie, const struct file *file,
				 __u64 scanned_ns)
{
	rec->proven_ns = rec->flags & SOCK_CROWDED ? 0 : scanned_ns;
	rec->flags = (rec->flags & ~SOCK_CROWDED) | SOCK_UNSETTLED;
	roster_clean(rec, cookie, (__u64)file);
}

/* Whether who gets what comes in does not follow from addresses and ports alone: a program chooses,
 * or the processor that it comes in on. */
static __always_inline bool is_steered(const struct sock_reuseport *group)
{
	return BPF_CORE_READ(group, prog) ||
	       (bpf_core_field_exists(group->incoming_cpu) && BPF_CORE_READ(group, incoming_cpu));
}

/*
 * Whether it is the only one that a datagram for its port can be for, or of; or a connection, where
 * SO_REUSEADDR lets nobody else listen. See enum note_flags.
 */
static __always_inline __u32 sharing_of(const struct sock *open)
{
	const struct sock *sk = path_of(open);
	const struct sock_reuseport *group = BPF_CORE_READ(sk, sk_reuseport_cb);
	__u16 protocol = BPF_CORE_READ(sk, sk_protocol);
	bool udp = protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE;

	if (!udp && BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_LISTEN)
		return 0;
	/* Who has joined a group stays in it, whatever he says of SO_REUSEPORT since. */
	if (!group && !BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_reuseport) &&
	    (!udp || !BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_reuse)))
		return 0;
	return group && is_steered(group) ? NOTE_SHARED | NOTE_STEERED : NOTE_SHARED;
}

/*
 * The daemon's question: who holds this socket now? After a scan of every process the sightings
 * are complete as of its start, whatever the sum says; what it left unexplained is remembered.
 */
SEC("syscall")
int prove_socket(struct prove_args *args)
{
	__u64 cookie = args->cookie;
	__u32 zero = 0;
	struct sock_rec *rec = sock_record_kept(cookie);
	struct proof *out = bpf_map_lookup_elem(&proof_out, &zero);
	const struct socket *socket;
	const struct file *file;
	const struct sock *sk;
	struct global_rec *g = global_state();

	if (!out || !g)
		return 0;
	if (args->everywhere)
		g->everywhere = 1;
	if (!g->scanned_ns)
		g->scanned_ns = args->scanned_ns;
	out->cookie = cookie;
	out->watch_wanted = 0;
	out->state = out->n_holders = out->flags = 0;
	out->references = out->matched = 0;
	if (!rec || !rec->sk)
		return 0;
	sk = (const void *)rec->sk;
	if (sock_is_over(rec->sk, cookie))
		return 0;
	if (!rec->netns)
		rec->netns = sock_netns(sk);
	out->netns = rec->netns;
	out->state = NOTE_UNPROVEN;
	out->flags = sharing_of(sk);
	socket = BPF_CORE_READ(sk, sk_socket);
	file = socket ? BPF_CORE_READ(socket, file) : NULL;
	if (!file) {
		if (BPF_CORE_READ(sk, __sk_common.skc_flags) & SOCK_DEAD_BIT) {
			out->state = NOTE_KERNEL;
			out->flags |= NOTE_ORPHAN;
		} else if (!socket) {
			out->flags |= NOTE_UNACCEPTED;
		}
		return 0;
	}
	if (args->scanned_ns)
		take_scan(rec, cookie, file, args->scanned_ns);
	prove(rec, &out->answer, cookie, (__u64)file, 0);
	out->watch_wanted = g->watch.asked && !g->watch.since_ns;
	return 0;
}
