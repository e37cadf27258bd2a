/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The record of a socket: who was seen to hold it. As common/probe_abi.h: plain fixed-width
 * records, for BPF programs and for the daemon.
 */
#ifndef COMMON_SOCK_ABI_H
#define COMMON_SOCK_ABI_H

#include <linux/types.h>

#define ABI_SIGHTINGS  16   /* descriptors of one socket that its record has room for */
#define ABI_CROWD      1024 /* further descriptors, of a socket that many processes share */
#define ABI_CROWDS     128  /* such sockets: 2 MB of kernel memory */
#define ABI_PLACE_BITS 14
#define ABI_PLACES     (1u << ABI_PLACE_BITS) /* sockets on record by place: 6 MB; and */
#define ABI_SOCKS      65536		      /* whose place another has: 24 MB of kernel memory; */
#define ABI_REAP       (ABI_SOCKS / 4)	      /* after so many the daemon makes room */

/* A descriptor under which a process was seen to hold a socket. Truth is re-read before use. */
struct sighting {
	__u64 files; /* kernel address of the process's files_struct; 0: free */
	__u32 tgid;
	__u32 fd;
};

/* Key: socket cookie. The sightings that the record has no room for. */
struct crowd {
	struct sighting s[ABI_CROWD];
};

/* Key: socket cookie. */
struct sock_rec {
	__u64 sk; /* kernel address; 0 until it was seen */
	__u64 netns;
	__u64 proven_ns;   /* CLOCK_BOOTTIME of the last moment the sightings were all there is */
	__u64 changed_ns;  /* CLOCK_BOOTTIME when another than the creator was seen to come, or one
			      to go */
	__u64 accepted_ns; /* CLOCK_BOOTTIME of the end of the creator's accept(2), or of when it
			      was found with him who may accept it; 0: neither was seen */
	__u32 creator;	   /* tgid */
	__u32 flags;	   /* enum sock_flags */
	__u32 used;	   /* sightings that may be in use, those of the crowd last: none at or past
			      this index */
	__u32 busy;	   /* somebody is adding to the sightings */
	struct sighting s[ABI_SIGHTINGS];
};

/*
 * Where the record of a socket is, as a rule; that of one whose place is another's is in a hash
 * map, which takes longer to put it into, to find it in and to take it out of.
 */
struct sock_place {
	__u64 cookie; /* 0: free; PLACE_TAKEN: it is being made ready for somebody */
	struct sock_rec rec;
} __attribute__((aligned(64)));

#define PLACE_TAKEN (~0ull)

/* Answer of the program that takes away records: so many are left, of sockets that there are. */
struct reap_args {
	__u64 sockets;
};

/*
 * The place of what is kept of a socket. Each processor gives out cookies in a row, from blocks of
 * its own (include/linux/cookie.h). What is opened one after the other has places one after the
 * other, of which the next is near in the processor's caches; and blocks that are in step lie far
 * apart.
 */
#define ABI_COOKIE_BLOCK 4096

static inline __attribute__((always_inline)) __u32 abi_place_of(__u64 cookie)
{
	__u32 block = cookie / ABI_COOKIE_BLOCK;

	return (cookie + (block * 0x9e3779b1u >> (32 - ABI_PLACE_BITS))) & (ABI_PLACES - 1);
}

enum sock_flags {
	SOCK_UNSETTLED =
		1,	  /* a full scan left references unexplained: something may be in flight */
	SOCK_CROWDED = 2, /* more descriptors than sightings */
	SOCK_ELDER = 8,	  /* older than the probes: first seen by the first scan */
	SOCK_SOUGHT = 16, /* who accepted it was looked for far and wide */
	SOCK_GUESSED = 4, /* s[0] is where the descriptor was expected: it was never seen there */
};

#endif
