/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What probes/portless.bpf.c and the daemon share. Included by BPF programs and by the daemon.
 */
#ifndef COMMON_PORTLESS_ABI_H
#define COMMON_PORTLESS_ABI_H

#include <linux/types.h>

#define ABI_PORTLESS	  8192 /* such sockets of one namespace that are remembered. Power of two */
#define ABI_PORTLESS_TOLD 4096 /* of them, how many one look tells of. Power of two */

/* Where the kernel has one: the daemon has no use for it. */
struct portless_place {
	__u64 cookie, sk;
};

/* A raw or a ping socket, as the kernel matches it against what comes in. */
struct portless_rec {
	__u64 cookie;
	__u8 local[16], remote[16]; /* network order, IPv4 in the first 4 bytes; all 0: any */
	__u32 filter[8]; /* raw, ICMP: a bit for each type that it does not want; IPv4: 1 word */
	__u32 ifindex;	 /* bound to; 0: any */
	__u16 number;	 /* ping: the identifier, host order; raw: the protocol */
	__u8 family;	 /* 4 or 6 */
	__u8 ping;
};

#endif
