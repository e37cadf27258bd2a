/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network namespaces of this machine, other than our own, that processes live in: where the
 * sockets behind forwarded packets are. Each known one has its packets noted and can be asked for
 * sockets.
 */
#ifndef FW_NETNS_H
#define FW_NETNS_H

#include <stdint.h>

#include "probe.h"
#include "sockdiag.h"

#define NETNS_MAX 256

struct netns_table;

/* 0 or -errno. The probe outlives it. */
int netns_open(struct probe *probe, struct netns_table **out);
void netns_close(struct netns_table *t); /* NULL is fine */

/* Learns the namespace of a process; inode: which one that is, or 0. */
void netns_learn(struct netns_table *t, uint32_t pid, uint64_t inode);

/* Learns those of all processes, and forgets those that no process is in; at most 5 times a second.
 */
void netns_refresh(struct netns_table *t);

/*
 * Finds the one namespace that has the socket. 0; -ENOENT: none has; -ENOTUNIQ: more than one, so
 * the packet's socket cannot be told.
 */
int netns_find(struct netns_table *t, const struct sockdiag_query *q, struct sockdiag_answer *out,
	       uint64_t *netns);

/* The inode number of our own. */
uint64_t netns_own(const struct netns_table *t);

#endif
