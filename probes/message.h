/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Descriptors in messages, SCM_RIGHTS of unix(7): read in the memory of who sends or receives. */
#ifndef PROBES_MESSAGE_H
#define PROBES_MESSAGE_H

#include "given.h"

#define MSGHDR_CONTROL 32  /* offset of msg_control and msg_controllen in struct user_msghdr */
#define MMSGHDR_SIZE   64  /* struct mmsghdr */
#define CONTROL_MAX    8   /* ancillary messages that are looked at */
#define SCM_SLOTS      256 /* include/net/scm.h: at most 253 descriptors in one */

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

#endif
