// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Sockets: who was seen to hold which, and when a holder may have given one away. What is kept here
 * only says where to look: prove.bpf.c reads the truth.
 */
#include "prove.h"

#define MSGHDR_CONTROL 32  /* offset of msg_control and msg_controllen in struct user_msghdr */
#define MMSGHDR_SIZE   64  /* struct mmsghdr */
#define CONTROL_MAX    8   /* ancillary messages that are looked at */
#define SCM_SLOTS      256 /* include/net/scm.h: at most 253 descriptors in one */

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
	struct sock_rec *rec = sock_record(cookie);

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
	if (rec)
		rec->flags |= SOCK_GUESSED;
	return 1;
}

/*
 * The last descriptor has gone. A TCP connection has more to say (FIN, what is still in its
 * buffer): its record stays until it is closed.
 */
SEC("cgroup/sock_release")
int sock_released(struct bpf_sock *ctx)
{
	struct sock_rec *rec;
	__u64 cookie;

	if (!is_covered(bpf_get_netns_cookie(ctx)))
		return 1;
	cookie = bpf_get_socket_cookie(ctx);
	if (ctx->protocol != IPPROTO_TCP) {
		roster_drop(cookie);
		return 1;
	}
	rec = bpf_map_lookup_elem(&socks, &cookie);
	if (rec)
		rec->released_ns = bpf_ktime_get_boot_ns();
	return 1;
}

SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(sock_destroyed, struct sock *sk)
{
	__u64 cookie;

	if (!is_covered(sk->__sk_common.skc_net.net->net_cookie))
		return 0;
	cookie = sock_cookie(sk);
	if (cookie)
		roster_drop(cookie);
	return 0;
}

/* A connection accepted by the stack has no cookie until somebody asks for it. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(sock_state, struct sock *sk, int oldstate, int newstate)
{
	if (oldstate == TCP_SYN_RECV && newstate == TCP_ESTABLISHED &&
	    is_covered(sk->__sk_common.skc_net.net->net_cookie))
		bpf_get_socket_cookie(sk);
	return 0;
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

static __always_inline int accepted(long fd)
{
	const struct files_struct *files = bpf_get_current_task_btf()->files;
	struct sock *sk = fd < 0 ? NULL : socket_of(current_file(fd));
	struct sock_rec *rec;
	__u64 cookie;

	if (!sk || !is_covered(BPF_CORE_READ(sk, __sk_common.skc_net.net, net_cookie)))
		return 0;
	cookie = sock_cookie(sk);
	rec = cookie ? new_record(cookie, files, fd) : NULL;
	if (!rec)
		return 0;
	rec->accepted_ns = rec->proven_ns;
	rec->sk = (__u64)sk;
	rec->netns = sock_netns(sk);
	return 0;
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
	__u64 cookie = sk ? sock_cookie(sk) : 0;
	struct sock_rec *rec;

	if (!sk)
		return file != NULL;
	if (!is_covered(BPF_CORE_READ(sk, __sk_common.skc_net.net, net_cookie)))
		return true;
	rec = cookie ? sock_record(cookie) : NULL;
	if (!rec)
		return false;
	if (!rec->sk) {
		rec->netns = sock_netns(sk);
		rec->sk = (__u64)sk;
	}
	return roster_add(rec, cookie, (__u64)BPF_CORE_READ(task, files), task->tgid, fd);
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

/* Ancillary data of a message, cmsg(3), in the caller's memory. */
struct control {
	__u64 at, end;
	__u64 fds, n_fds; /* of its SCM_RIGHTS, if it has any */
	__u64 unseen;	  /* what one of these is could not be seen, or not be put on record */
};

static long read_control(__u32 i, struct control *c)
{
	struct {
		__u64 length;
		__s32 level, type;
	} head;

	if (c->at + sizeof(head) > c->end ||
	    bpf_probe_read_user(&head, sizeof(head), (void *)c->at) || head.length < sizeof(head) ||
	    head.length > c->end - c->at)
		return 1;
	if (head.level == SOL_SOCKET && head.type == SCM_RIGHTS) {
		c->fds = c->at + sizeof(head);
		c->n_fds = (head.length - sizeof(head)) / sizeof(__s32);
		return 1;
	}
	c->at += (head.length + 7) & ~7ull;
	return 0;
}

/* Whether the message at `header` (struct user_msghdr) has descriptors in it. */
static __always_inline bool has_rights(__u64 header, struct control *c)
{
	struct {
		__u64 control, length;
	} buffer = {};

	c->fds = 0;
	if (bpf_probe_read_user(&buffer, sizeof(buffer), (void *)header + MSGHDR_CONTROL) ||
	    !buffer.length)
		return false;
	c->at = buffer.control;
	c->end = buffer.control + buffer.length;
	bpf_loop(CONTROL_MAX, read_control, c, 0);
	return c->fds;
}

static long given_one(__u32 i, struct control *c)
{
	__s32 fd;

	c->unseen = bpf_probe_read_user(&fd, sizeof(fd), (void *)(c->fds + i * sizeof(fd))) ||
		    fd < 0 || !given(fd);
	return c->unseen;
}

/* The address of the message, or of the first of them, of the call that is ending. */
static __always_inline __u64 message(void)
{
	const struct pt_regs *regs = registers_of(bpf_get_current_task_btf());

	return regs->si;
}

static long sent_one(__u32 i, __u64 *header)
{
	struct control c;

	if (has_rights(*header, &c)) {
		spread();
		return 1;
	}
	*header += MMSGHDR_SIZE;
	return 0;
}

static long received_one(__u32 i, __u64 *header)
{
	struct control c;

	if (has_rights(*header, &c)) {
		c.unseen = 0;
		bpf_loop(c.n_fds & (SCM_SLOTS - 1), given_one, &c, 0);
		if (c.unseen)
			received();
	}
	*header += MMSGHDR_SIZE;
	return 0;
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

/* Every descriptor of every process, or of the one that the iterator was narrowed to. */
SEC("iter/task_file")
int scan_files(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct sock_rec *rec;
	struct socket *socket;
	struct global_rec *g = global_state();
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
	cookie = bpf_get_socket_cookie(sk);
	rec = sock_record(cookie);
	if (!rec)
		return 0;
	if (!rec->sk && !rec->proven_ns && g && !g->scanned_ns)
		rec->flags |= SOCK_ELDER;
	rec->sk = (__u64)sk;
	rec->netns = sock_netns(sk);
	roster_add(rec, cookie, (__u64)BPF_CORE_READ(task, files), task->tgid, ctx->fd);
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

/*
 * The daemon's question: who holds this socket now? After a scan of every process the sightings
 * are complete as of its start, whatever the sum says; what it left unexplained is remembered.
 */
SEC("syscall")
int prove_socket(struct prove_args *args)
{
	__u64 cookie = args->cookie;
	__u32 zero = 0;
	struct sock_rec *rec = bpf_map_lookup_elem(&socks, &cookie);
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
	out->state = out->n_holders = out->flags = 0;
	out->references = out->matched = 0;
	if (!rec || !rec->sk)
		return 0;
	sk = (const void *)rec->sk;
	if (sock_cookie(sk) != cookie)
		return 0; /* the address is another's by now */
	out->netns = rec->netns;
	out->state = NOTE_UNPROVEN;
	socket = BPF_CORE_READ(sk, sk_socket);
	file = socket ? BPF_CORE_READ(socket, file) : NULL;
	if (!file) {
		if (BPF_CORE_READ(sk, __sk_common.skc_flags) & SOCK_DEAD_BIT) {
			out->state = NOTE_KERNEL;
			out->flags = NOTE_ORPHAN;
		} else if (!socket) {
			out->flags = NOTE_UNACCEPTED;
		}
		return 0;
	}
	if (args->scanned_ns)
		take_scan(rec, cookie, file, args->scanned_ns);
	prove(rec, &out->answer, cookie, (__u64)file, 0);
	return 0;
}
