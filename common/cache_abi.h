/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The verdict cache: what the programs in the kernel and the daemon share of it. As
 * common/probe_abi.h: plain fixed-width records, for BPF programs and for the daemon.
 *
 * Two levels. A *class* is a kind of packet that the daemon has judged: by the identity of all who
 * hold its socket, or by that no process does, and what the rules in force look at. A *memo* is of
 * one socket: who was proven to hold it, by what that can be seen to hold still, and what class its
 * last packet was of.
 */
#ifndef COMMON_CACHE_ABI_H
#define COMMON_CACHE_ABI_H

#include "common/probe_abi.h"
#include "common/sock_abi.h"

#define ABI_MEMOS	 ABI_PLACES /* 9 MB of kernel memory; a memo is found by cookie */
#define ABI_MEMO_HOLDERS 4	    /* descriptors of a socket, and processes of a class */
#define ABI_GENS	 16384	    /* power of two */
#define ABI_CLASSES	 16384
#define ABI_TALLIES	 1024 /* rules whose packets pass in the kernel at the same time */
#define ABI_TICKETS	 64   /* power of two: of one processor and hook */

/* In ticks of the kernel's clock, of which there are 100 to 1000 a second. */
#define ABI_SEEN_TICKS	 3000 /* a rule of iptables that no packet has met for so long is gone */
#define ABI_TICKET_TICKS 2    /* from the note program to the filter table */
#define ABI_TICK_NS	 10000000ull /* the longest that one lasts */

enum cache_hook {
	CACHE_OUT,
	CACHE_IN,
	CACHE_HOOKS,
};

enum cache_verdict {
	CACHE_NONE,
	CACHE_ACCEPT,
	CACHE_DROP,
};

/* Of the packet, those that the rules of the chain look at. */
enum cache_field {
	CACHE_SADDR = 1,
	CACHE_DADDR = 2,
	CACHE_SPORT = 4,
	CACHE_DPORT = 8,
	CACHE_SOCKET = 16, /* whoever holds it: classes are of single sockets */
	CACHE_FLOW = CACHE_SADDR | CACHE_DADDR | CACHE_SPORT | CACHE_DPORT | CACHE_SOCKET,
};

/* TCP or UDP, of one whole packet whose headers hold no surprise. In network order; what the mask
 * does not have is 0. */
struct cache_tuple {
	__u64 addr[4]; /* source and destination, 16 bytes each; IPv4 in the first 4 */
	__u16 sport, dport;
	__u8 proto;
	__u8 family; /* 4 or 6 */
	__u8 mask;   /* enum cache_field: what it has; see cache_narrow() */
	__u8 pad;
};

/*
 * The ports and addresses that the rules of a chain name; more than these may be marked. A packet
 * whose addresses no rule names meets the same rules as all others of which that is so: those that
 * look at no address, and of these only a port that one of them names makes a difference.
 */
#define CACHE_BITS 65536

enum { CACHE_SRC, CACHE_DST, CACHE_ENDS };

struct cache_named {
	__u64 port[2][CACHE_ENDS][CACHE_BITS / 64]; /* of TCP and UDP; by rules without addresses */
	__u64 ip4[CACHE_ENDS][CACHE_BITS / 64];	    /* by their first 16 bits */
	__u64 ip6[CACHE_ENDS][CACHE_BITS / 64];	    /* of 32 bits and more: by a mix of these */
	__u64 ip6_short[CACHE_ENDS][CACHE_BITS / 64]; /* of less: by their first 16 bits */
};

/* Of the first 32 bits of an IPv6 address. */
static inline __attribute__((always_inline)) __u32 cache_ip6_bit(const __u8 *addr)
{
	__u32 first = (__u32)addr[0] << 24 | addr[1] << 16 | addr[2] << 8 | addr[3];

	return (first * 0x9e3779b1u) >> 16;
}

static inline __attribute__((always_inline)) int cache_bit(const __u64 *bits, __u32 i)
{
	return bits[i / 64 % (CACHE_BITS / 64)] >> i % 64 & 1;
}

static inline __attribute__((always_inline)) int cache_names_addr(const struct cache_named *n,
								  __u32 end, __u8 family,
								  const __u8 *addr)
{
	__u32 first = addr[0] << 8 | addr[1];

	if (family == 4)
		return cache_bit(n->ip4[end], first);
	return cache_bit(n->ip6[end], cache_ip6_bit(addr)) || cache_bit(n->ip6_short[end], first);
}

static inline __attribute__((always_inline)) int cache_names_port(const struct cache_named *n,
								  __u32 end, __u8 proto,
								  const __u8 *port)
{
	return cache_bit(n->port[proto == 17][end], port[0] << 8 | port[1]);
}

/* Takes out of the tuple what no rule makes a difference of. */
static inline __attribute__((always_inline)) void cache_narrow(const struct cache_named *n,
							       struct cache_tuple *t)
{
	const __u8 *src = (const __u8 *)&t->addr[0], *dst = (const __u8 *)&t->addr[2];

	if (!t->mask || t->mask & CACHE_SOCKET ||
	    (t->mask & CACHE_SADDR && cache_names_addr(n, CACHE_SRC, t->family, src)) ||
	    (t->mask & CACHE_DADDR && cache_names_addr(n, CACHE_DST, t->family, dst)))
		return;
	t->addr[0] = t->addr[1] = t->addr[2] = t->addr[3] = 0;
	t->mask &= ~(CACHE_SADDR | CACHE_DADDR);
	if (!cache_names_port(n, CACHE_SRC, t->proto, (const __u8 *)&t->sport)) {
		t->sport = 0;
		t->mask &= ~CACHE_SPORT;
	}
	if (!cache_names_port(n, CACHE_DST, t->proto, (const __u8 *)&t->dport)) {
		t->dport = 0;
		t->mask &= ~CACHE_DPORT;
	}
}

struct cache_who {
	__u32 tgid, pad;
	__u64 start_ns, map_stamp, exec_pages; /* as in struct note_holder */
};

static inline __attribute__((always_inline)) void cache_who_is(struct cache_who *who,
							       const struct note_holder *h)
{
	who->tgid = h->tgid;
	who->start_ns = h->start_ns;
	who->map_stamp = h->map_stamp;
	who->exec_pages = h->exec_pages;
}

/* Every byte counts: what is not used is 0. */
struct cache_key {
	__u64 netns;
	__u64 cookie; /* of its socket, with CACHE_SOCKET, if somebody holds it */
	struct cache_tuple tuple;
	__u8 hook;  /* enum cache_hook */
	__u8 n_who; /* 0: of kernel origin, see probe_abi.h's NOTE_KERNEL */
	__u8 pad[6];
	struct cache_who who[ABI_MEMO_HOLDERS]; /* in the order of the note */
};

/* What the daemon said of such a packet. */
struct cache_class {
	__u64 epoch;   /* see struct cache_chain */
	__u64 until;   /* when what the holders map is looked at again: CLOCK_MONOTONIC; in a memo
			  the kernel's ticks */
	__u32 verdict; /* enum cache_verdict */
	__u32 tally;   /* where such packets are counted */
};

/* A descriptor of the socket, and what shows that it is there and its process as it was. */
struct memo_holder {
	__u64 task, files; /* kernel addresses: of its leader, and of the table */
	struct cache_who who;
	__u32 fd;
	__u32 gen;   /* the process's, from before the proof */
	__u32 again; /* the process has one of the former descriptors too */
	__u32 pad;
};

/* The verdict of the last packet: one line of the processor's caches. */
struct memo_verdict {
	struct cache_tuple whole; /* all of that packet's; its mask is 0 */
	struct cache_class class;
};

/* Of one hook. The first two are not under the memo's seq, and of all sockets that share the place.
 */
struct memo_hook {
	__u64 passed; /* see cache_passed(), of the last packet that passed */
	__u32 denied; /* grows with each packet that the daemon denies */
	__u32 pad;
	struct cache_tuple tuple; /* what its class has of the last packet's */
	__u64 rest;
	struct memo_verdict v;
};

/*
 * Of each packet as a rule four lines of the processor's caches are looked at: the first, that of
 * the only holder, and both of its hook. None is written to while packets pass.
 */
struct memo {
	__u64 seq;	  /* odd while a writer is at it */
	__u64 cookie;	  /* of the socket */
	__u64 file;	  /* kernel address */
	__u64 changed_ns; /* as in struct answer */
	__u64 when_ns;	  /* CLOCK_BOOTTIME just before the proof */
	__u32 netns;	  /* the kernel's inode numbers of them have no more bits */
	__u16 n;	  /* descriptors; 0: nothing is proven */
	__u16 slack;	  /* so many more references than descriptors are nothing new */
	__u32 joined_then;
	/* The next two are not under seq, and of all sockets that share the place. */
	__u32 joined;		   /* grows with each descriptor that comes to be on record */
	__u32 misses[CACHE_HOOKS]; /* grow with each packet that does not pass: tickets from before
				      are void */
	struct memo_holder h[ABI_MEMO_HOLDERS]; /* as a rule there is one */
	struct memo_hook in[CACHE_HOOKS];	/* by enum cache_hook */
} __attribute__((aligned(64)));

/* From the note program to the program in the filter table, on the same processor. */
struct cache_ticket {
	__u64 whose;  /* cookie << 2 | enum cache_verdict; 0: free */
	__u64 when;   /* ticks */
	__u32 misses; /* the memo's */
	__u32 tally;
	__u64 passed; /* for the memo, once it is used; 0: it says nothing of the socket's holders
		       */
};

/*
 * Says of a socket that its last packet in a chain passed in the kernel, as its holders', and none
 * has gone to the daemon, or was denied by it, since: as long as the memo has this, and so many
 * misses and denied.
 */
static inline __attribute__((always_inline)) __u64 cache_passed(__u64 cookie, __u32 misses,
								__u32 denied)
{
	return cookie << 32 | (__u32)(misses + denied);
}

/* The daemon has denied a packet of that socket: for probes/deny.bpf.c. */
struct deny_args {
	__u64 cookie;
	__u32 hook; /* enum cache_hook */
	__u32 pad;
};

/* One chain: written by the daemon, all but `seen`. */
struct cache_chain {
	__u64 epoch; /* grows with whatever makes verdicts other; 0: nothing passes */
	__u64 mask;  /* enum cache_field: what the rules look at */
	__u64 puts;  /* of CACHE_OUT, for both: odd while a class is being put into the map */
	__u64 rest[5];
	__u64 seen; /* ticks when a packet met the program in the filter table; 0: none has */
	__u64 rest_seen[7];
};

struct cache_tally {
	__u64 packets, bytes;
};

#endif
