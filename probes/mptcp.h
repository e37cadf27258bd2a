/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Multipath TCP (RFC 8684, net/mptcp/): what a process has open is one socket, and each path below
 * it a TCP socket of the kernel's own. It is the paths' packets that are seen, and the paths that
 * sock_diag(7) tells of; on record is what is open. If that was accepted it has no cookie of its
 * own (mptcp_sk_clone_init() copies the listener's, as of linux 6.18), but its first path has one
 * (connection_made()): it is on record under that.
 */
#ifndef PROBES_MPTCP_H
#define PROBES_MPTCP_H

#include "maps.h"

/* The socket that it is a path of; or itself. */
static __always_inline const struct sock *open_socket(const struct sock *sk)
{
	const struct tcp_sock *tcp = (const void *)sk;
	const struct inet_connection_sock *connection = (const void *)sk;
	const struct mptcp_subflow_context *path;
	const struct sock *open;

	if (!bpf_core_type_exists(struct mptcp_subflow_context) ||
	    BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP || !BPF_CORE_READ(tcp, is_mptcp))
		return sk;
	path = BPF_CORE_READ(connection, icsk_ulp_data);
	open = BPF_CORE_READ(path, conn);
	return open ? open : sk;
}

/* The other way round: its first path, which has the port, and listens if it does; or itself. */
static __always_inline const struct sock *path_of(const struct sock *open)
{
	const struct mptcp_sock *m = (const void *)open;

	return bpf_core_type_exists(struct mptcp_sock) &&
			       BPF_CORE_READ(open, sk_protocol) == IPPROTO_MPTCP
		       ? BPF_CORE_READ(m, first)
		       : open;
}

static __always_inline bool is_accepted_mptcp(const struct sock *open)
{
	const struct mptcp_sock *m = (const void *)open;

	return bpf_core_type_exists(struct mptcp_sock) &&
	       BPF_CORE_READ(open, sk_protocol) == IPPROTO_MPTCP &&
	       BPF_CORE_READ(m, pm.server_side);
}

/* The cookie under which what is open is on record; 0: none. */
static __always_inline __u64 kept_cookie(const struct sock *open)
{
	const struct mptcp_sock *m = (const void *)open;

	return is_accepted_mptcp(open) ? BPF_CORE_READ(m, first, __sk_common.skc_cookie.counter)
				       : sock_cookie(open);
}

/*
 * Whether the socket that was there is no more: it is closed, and has nothing left to say, as a TCP
 * connection may; or its memory is another's. typed, a constant: `sk`, which is at `at`, is what
 * the verifier knows as one. cookie: that which what was open was on record under.
 */
static __always_inline bool is_over(const struct sock *sk, bool typed, __u64 at, __u64 cookie)
{
	__u16 protocol = FIELD_OF(typed, sk, sk_protocol);

	if (!FIELD_OF(typed, sk, __sk_common.skc_refcnt.refs.counter))
		return true;
	if ((FIELD_OF(typed, sk, __sk_common.skc_flags) & SOCK_DEAD_BIT) &&
	    ((protocol != IPPROTO_TCP && protocol != IPPROTO_MPTCP) ||
	     FIELD_OF(typed, sk, __sk_common.skc_state) == TCP_CLOSE))
		return true;
	return (__u64)FIELD_OF(typed, sk, __sk_common.skc_cookie.counter) != cookie &&
	       kept_cookie((const struct sock *)at) != cookie;
}

/* Cookies: by which who asks sock_diag(7) of a path finds what is open. */
static __always_inline void path_add(__u64 path, __u64 open)
{
	__u64 *known = bpf_map_lookup_elem(&paths, &path);

	if (path && open && (!known || *known != open))
		bpf_map_update_elem(&paths, &path, &open, BPF_ANY);
}

#endif
