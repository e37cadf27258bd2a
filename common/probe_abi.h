/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What the probes in the kernel and the daemon share: plain fixed-width records, and the
 * fingerprint by which a packet noted in the kernel is found again in its NFQUEUE copy.
 * Included by BPF programs (clang -target bpf) and by the daemon; needs only <linux/types.h>.
 */
#ifndef COMMON_PROBE_ABI_H
#define COMMON_PROBE_ABI_H

#include <linux/types.h>

#define ABI_HOLDERS   8	    /* processes that a note or a proof names; of more, the record tells */
#define ABI_OBJECTS   32    /* objects kept per process for the time after its death */
#define ABI_PROCS     65536 /* processes on record: at most 76 MB, on demand */
#define ABI_GHOSTS    1024  /* dead processes whose number was taken again at once */
#define ABI_FORMER    16384 /* programs whose process runs another, for packets that wait */
#define ABI_EXITS     16384 /* processes that have ended, until their records are taken away */
#define ABI_PORTS     4096  /* that TCP sockets are bound to, and of each */
#define ABI_LISTENERS 8	    /* sockets; power of two */
#define ABI_PATHS     4096  /* of MPTCP, that are on record */
#define ABI_CALLERS   4096  /* threads in mapping calls, beside the first of their processes */
#define ABI_CPUS      256   /* processors that can prove at the same time without a record */

/*
 * Notes: written by the note program for each packet before it can reach NFQUEUE, read by the
 * daemon through mmap(2). Each processor writes its own into a ring, one after the other: into
 * lines that nobody else writes, so that it waits neither for another processor nor for memory, and
 * the daemon, which takes them in nearly the same order, finds the next where the last one was.
 *
 * Where that does not lead to it, a note is found by fingerprint, in a table of sets: for the
 * latest ABI_NOTE_WAYS notes of each, where they lie. The set is chosen by fingerprint and a
 * secret, so that nobody can aim at the notes of another or at his own. Packets that are alike to
 * the last byte of the print have a note each, or one between those that come after each other and
 * of which the same is to be said; the daemon takes them in the order in which they were written,
 * which is that of the queue. A note that is lost costs a lookup, never a wrong answer: the full
 * fingerprint is compared.
 */
#define ABI_NOTE_SET_BITS_MIN 10
#define ABI_NOTE_SET_BITS_MAX 14
#define ABI_NOTE_WAYS_BITS    4
#define ABI_NOTE_WAYS	      (1 << ABI_NOTE_WAYS_BITS)
#define ABI_NOTE_RING_MIN     11 /* bits: of one processor, on a machine of very many */
#define ABI_NOTE_HEADS_BITS   19 /* of all processors: 64 MB of kernel memory at most */
#define ABI_NOTE_RESTS	      8	 /* one note of so many has more than its head */
#define ABI_NOTE_DRAFTS	      4 /* of one processor: a softirq may send while another packet is noted */

/* How many sets, as a power of two: enough that of as many packets as the queues hold hardly ever
 * more are in one set than it has ways: four on average, if one queue of three is full. */
static inline __u32 abi_note_set_bits(__u64 queued_max)
{
	__u32 bits = ABI_NOTE_SET_BITS_MIN;

	while (bits < ABI_NOTE_SET_BITS_MAX && queued_max > 12ull << bits)
		bits++;
	return bits;
}

/* How many notes of one processor, as a power of two: as many as have a place in the sets, for all
 * may be one's. */
static inline __u32 abi_note_ring_bits(__u32 set_bits, __u64 cpus)
{
	__u32 bits = set_bits + ABI_NOTE_WAYS_BITS;

	while (bits > ABI_NOTE_RING_MIN && cpus << bits > 1ull << ABI_NOTE_HEADS_BITS)
		bits--;
	return bits;
}

enum note_state {
	NOTE_KERNEL = 1, /* no full socket, or one that no open file stands behind */
	NOTE_PROVEN, /* holder[0..n_holders) are all the processes that held it as the packet passed
		      */
	NOTE_MANY,   /* proven too, but they are more than fit: all of sock_rec's sightings */
	NOTE_UNPROVEN, /* held: by those that are listed, if any, and perhaps by others */
};

struct note_holder {
	__u32 tgid;
	__u32 in_flight;  /* mapping calls entered and not yet left */
	__u64 start_ns;	  /* CLOCK_BOOTTIME */
	__u64 map_stamp;  /* unique for each change of its executable mappings; 0: process not known
			   */
	__u64 exec_pages; /* mm->exec_vm: moves with changes that no traced call made */
};

/*
 * The answer to "who holds this socket", and what it was weighed by. The counts are here, in memory
 * that one writer owns, and not on the probe's stack: the verifier would follow every value there.
 * Of an answer that says who holds it, or that nobody does, they mean nothing: they come last, so
 * that notes of one holder have the rest of it in a line of the processor's caches.
 */
#define ABI_ANSWER                                                                            \
	__u32 netns;	  /* inode number of the socket's network namespace */                \
	__u32 state;	  /* enum note_state */                                               \
	__u32 flags;	  /* enum note_flags */                                               \
	__u32 n_holders;  /* distinct processes, of whom ABI_HOLDERS are named */             \
	__u64 changed_ns; /* see struct sock_rec */                                           \
	struct note_holder holder[ABI_HOLDERS];                                               \
	__u64 spread_ns; /* newest of the holders' */                                         \
	__u64 gave_ns;	 /* the same, forks left out */                                       \
	__u32 matched;	 /* sightings that hold */                                            \
	__u32 lost;	 /* sightings that do not */                                          \
	__u32 leaving;	 /* sightings of a process that is exiting at this moment */          \
	__u32 calls;	 /* references that the call which sends the packet may have taken */ \
	__u32 marks;	 /* enum answer_mark */                                               \
	__u32 references;                                                                     \
	__u32 users;  /* threads that use a shared descriptor table, and */                   \
	__u32 first;  /* the first sighting in it: while it is weighed */                     \
	__u32 shared; /* sightings that hold, in tables which others may use as well */

enum answer_mark {
	MARK_SHARED = 1,  /* a descriptor table has users that are not on record */
	MARK_UNKNOWN = 2, /* a holder has no process record */
	MARK_MANY = 4,	  /* more holders than are named */
	MARK_PROVEN = 8,
	MARK_UNCLEAR = 32, /* not even what is in sight is certain to be all that was */
	MARK_SENDER = 16,  /* the process in whose context the packet passes holds it */
	MARK_UNSEEN = 64,  /* and of his mappings there is no snapshot */
};

struct answer {
	ABI_ANSWER
};

#define ABI_NO_ID (~(__u32)0) /* INVALID_UID: no open file stands behind the socket */

/* What a note says. In a ring it is in two parts: the head, which is as far as most have anything
 * to say, and the rest. */
struct note {
	__u64 turn;    /* which of its processor's notes it is, from 1; 0: it is being written */
	__u64 print;   /* abi_print_at(); 0: there is none */
	__u64 packets; /* how many it is of: abi_note_packets() */
	__u64 cookie;  /* of the socket, or of the listener for a connection not yet accepted */
	__u64 when_ns; /* CLOCK_BOOTTIME: of the latest of its packets */
	__u32 current_tgid; /* in whose context the packet passed: a hint where to look */
	__u32 before;	    /* packets that the note had whose place in the set this one took */
	__u32 uid, gid;	    /* who opened the socket, as NFQA_UID and NFQA_GID; or ABI_NO_ID */
	union {
		struct answer answer;
		struct {
			ABI_ANSWER
		};
	};
};

#define ABI_NOTE_HEAD __builtin_offsetof(struct note, holder[1]) /* bytes */
#define ABI_NOTE_REST (sizeof(struct note) - ABI_NOTE_HEAD)

struct note_head {
	union {
		struct {
			__u64 turn, print, packets, cookie, when_ns;
			__u32 current_tgid, before, uid, gid;
			__u32 netns, state, flags, n_holders;
			__u64 changed_ns;
			struct note_holder holder;
		};
		__u8 byte[ABI_NOTE_HEAD];
	};
	__u64 rest;    /* the turn of its rest; 0: it has none */
	__u32 instead; /* abi_note_at() of the note whose place in the set it took, with
			  NOTE_OVERRUN */
	__u32 pad;
} __attribute__((aligned(64)));

struct note_rest {
	__u64 turn;
	__u8 byte[ABI_NOTE_REST];
} __attribute__((aligned(64)));

/* Whether it has a rest: more holders than one, or what their number was weighed by. */
static inline __attribute__((always_inline)) int abi_note_has_rest(__u32 state, __u32 n_holders)
{
	return n_holders > 1 || (state != NOTE_PROVEN && state != NOTE_KERNEL);
}

struct note_set {
	__u32 next;		  /* whose turn it is to be written over, modulo ABI_NOTE_WAYS */
	__u32 call;		  /* means nothing: who will need this line writes it */
	__u16 tag[ABI_NOTE_WAYS]; /* abi_note_tag() of each note's print: where it is worth a look
				   */
	__u32 at[ABI_NOTE_WAYS];  /* abi_note_at() */
	__u32 call_next;	  /* as call, for the line that this is in */
} __attribute__((aligned(64)));

/* When notes of one print but of different sockets were there together last: of the packets that
 * are alike then, which came first cannot be told by their notes. */
struct note_mixed {
	__u64 when_ns; /* CLOCK_BOOTTIME; 0: never */
};

static inline __attribute__((always_inline)) __u16 abi_note_tag(__u64 print)
{
	return print;
}

#define ABI_TURN_BITS 24

/* Where a note lies: its processor, and of its turn as much as there is room for. */
static inline __attribute__((always_inline)) __u32 abi_note_at(__u32 cpu, __u64 turn)
{
	return cpu << ABI_TURN_BITS | (turn & ((1u << ABI_TURN_BITS) - 1));
}

/* Whether a note with that turn can be the one at that place. */
static inline __attribute__((always_inline)) int abi_note_is_at(__u64 turn, __u32 at)
{
	return !((turn ^ at) & ((1u << ABI_TURN_BITS) - 1));
}

/* Whether a note with that turn lay there before the one that is meant. */
static inline __attribute__((always_inline)) int abi_note_is_older(__u64 turn, __u32 at)
{
	__u32 behind = (at - (__u32)turn) & ((1u << ABI_TURN_BITS) - 1);

	return behind && behind < 1u << (ABI_TURN_BITS - 1);
}

/* The index of what lies there, in rings of 2^bits. */
static inline __attribute__((always_inline)) __u32 abi_note_index(__u32 at, __u32 bits)
{
	return at >> ABI_TURN_BITS << bits | (at & ((1u << bits) - 1));
}

/* And of a rest of theirs. */
static inline __attribute__((always_inline)) __u32 abi_rest_index(__u32 cpu, __u64 turn, __u32 bits)
{
	__u32 rests = (1u << bits) / ABI_NOTE_RESTS;

	return cpu * rests + (turn & (rests - 1));
}

/* A count that is of one note only: with the low half of that note's turn above it. */
static inline __attribute__((always_inline)) __u64 abi_note_packets(__u64 turn, __u32 packets)
{
	return turn << 32 | packets;
}

/* Of a note with that turn; 0: the count is another's. */
static inline __attribute__((always_inline)) __u32 abi_note_count(__u64 packets, __u64 turn)
{
	return packets >> 32 == (__u32)turn ? (__u32)packets : 0;
}

enum note_flags {
	NOTE_ORPHAN = 1, /* kernel: the socket had a file once, and its last holder has closed it */
	NOTE_UNACCEPTED = 2, /* unproven: no process has accepted this connection yet */
	NOTE_OVERRUN = 4,    /* it took the place of a note of the same print, of another socket */
	NOTE_ALIKE = 16,     /* another of the same print had a place in the set */
	NOTE_PASSED = 8,     /* orphan: the last packet of who held it passed in the kernel */
	/* Of a proof of a UDP socket or of one that listens, no note has these: */
	NOTE_SHARED = 32,  /* other sockets may have its port as well */
	NOTE_STEERED = 64, /* and who gets what does not follow from addresses and ports alone */
};

enum proc_flags {
	PROC_EXITED = 1,       /* the last thread has gone */
	PROC_FILES_SHARED = 2, /* may share a descriptor table with another process (CLONE_FILES) */
	PROC_OBJECTS_PARTIAL = 4, /* obj[] does not hold every object that was mapped */
	PROC_URING = 8,		  /* it, or who it was forked from, has made an io_uring */
	PROC_COMPAT = 16,	  /* a program of 32 bits: what it gives away is not seen */
	PROC_COMPANY = 32,	  /* others have used its memory or descriptors since its exec */
	PROC_ANON_EXEC = 64,	  /* it has had anonymous executable memory since its exec */
	PROC_TOLD = 128,	  /* a start_hint tells of its last exec */
	PROC_PIDFD = 256,	  /* a thread that has ended had a pidfd */
	PROC_NAMED = 512, /* a note or a proof is about it, or was about what it ran before */
};

enum object_flags {
	OBJECT_REMOTE =
		1, /* another program or machine serves its file system: it may not answer */
};

/* An object by the identity that its digest is cached under. */
struct object_key {
	__u64 ino;
	__u64 ctime_ns; /* CLOCK_REALTIME */
	__u64 size;
	__u32 dev;   /* kernel's s_dev: major << 20 | minor */
	__u32 flags; /* enum object_flags: the same for every sight of the object */
};

/* One execve: its process, or the one that this process was forked from since. */
struct start {
	__u64 stamp; /* the map_stamp that it gave: CLOCK_MONOTONIC << 8 */
	__u32 tgid;
	__u32 pad;
};

/* Key: tgid. */
struct proc_rec {
	__u64 start_ns;
	__u64 map_stamp;  /* see note_holder */
	__u64 shot_stamp; /* and shot_pages: of the state that a snapshot was made of, or none can
			     be */
	__u64 shot_pages;
	__u64 spread_ns; /* CLOCK_BOOTTIME of the last call that may have given its descriptors away
			  */
	__u64 gave_ns;	 /* the same, forks left out: their children are known */
	__u64 exec_ns;	 /* of the last execve; of one before the probes: the start, or 0 if it may
			    have been in a process that this was forked from */
	__u64 exit_ns;	 /* of the process; of a program that it ran before, of the execve */
	__u64 task;	 /* kernel address of its leader's task_struct */
	__u64 files;	 /* kernel address of its last files_struct, once exited */
	__u64 mm;	 /* kernel address of its mm_struct */
	__u64 last;	 /* kernel address of its last task_struct, once exited */
	__u32 in_flight;
	__u32 flags; /* enum proc_flags */
	__u32 ppid;
	__u32 last_child; /* tgid of the youngest, and */
	__u32 elder;	  /* of the next older child of the same parent: kin, where to look */
	__u32 n_objects;  /* past ABI_OBJECTS: so many there were */
	__u32 caller;	  /* the thread that is in a mapping call; of several, one */
	__u32 unseen; /* of those in flight, whose mapping goes on record when it can be another's
		       */
	struct start last_start, start_before; /* stamp 0: before the probes */
	struct object_key
		obj[ABI_OBJECTS]; /* mapped since exec, for when it is gone before we look; with a
				     last_start of ours the first is the program */
};

/* A process whose last thread has gone, in that order: whose record is to be taken away. */
struct exited {
	__u64 start_ns;
	__u64 exit_ns; /* CLOCK_BOOTTIME */
	__u32 tgid;
	__u32 pad;
};

/* Calls of pidfd_getfd, which are traced only while that matters. CLOCK_BOOTTIME. */
struct watch {
	__u64 asked;	/* they are to be traced */
	__u64 since_ns; /* from when on they are, and taken_ns says all; 0: they are not */
	__u64 used_ns;	/* when that last mattered */
	__u64 look_ns;	/* when it was last found out whether it did */
};

/* When descriptors may last have moved without their holder's own doing. CLOCK_BOOTTIME. */
struct global_rec {
	__u64 taken_ns;	   /* last pidfd_getfd that succeeded */
	__u64 own_netns;   /* cookie of the daemon's network namespace, and whether */
	__u64 everywhere;  /* packets of the others are judged as well */
	__u64 scanned_ns;  /* when the first scan began, once it is done */
	__u64 received_ns; /* last message that brought descriptors which could not be put on record
			    */
	__u64 unlisted_ns; /* last exit that had no room among those to be taken away */
	__u64 others;	   /* how often a socket's record was put where others than its place are */
	__u64 note_secret; /* of abi_note_set(), and */
	__u32 note_bits;   /* its bits, and */
	__u32 ring_bits;   /* those of each processor's notes */
	struct watch watch;
};

/* The answer of the prove program: what a note says, for a socket that the daemon names. */
struct proof {
	__u64 cookie;
	__u64 watch_wanted; /* its asked, and not since: see struct watch */
	union {
		struct answer answer; /* state 0: the socket is not known to the kernel side */
		struct {
			ABI_ANSWER
		};
	};
};

/* Argument of the watch program: whether calls of pidfd_getfd are traced; and of its answer, when
 * that last mattered. */
struct watch_args {
	__u64 traced;
	__u64 used_ns;
};

/* Argument of the prove program. */
struct prove_args {
	__u64 cookie;
	__u64 scanned_ns; /* a scan of all processes began at this time and is done; 0: none. The
			     first one, with cookie 0, stands for all sockets that it saw */
	__u64 everywhere; /* from now on the sockets of all namespaces go on record */
};

/* Argument of the accept queue program, all cookies: a socket that listens, a connection that
 * nobody has accepted yet; and its answer, the one of those that have that port together in whose
 * queue it waits. 0: none has it. */
struct queue_args {
	__u64 listener;
	__u64 connection;
	__u64 waits_for;
};

/* Hints on the ring buffer: look ahead, nothing more. */
enum hint_kind {
	HINT_EXEC = 1, /* a program has started: hash it ahead of its first packet */
	HINT_MAP,      /* a file is being mapped executable: the same */
	HINT_START,    /* a struct start_hint: with what arguments a program has started */
	HINT_REAP,     /* a struct hint_head alone: sockets need room for their records */
};

struct hint_head {
	__u32 kind;
	__u32 pad;
};

/*
 * The daemon is woken for what it has to look at while it can still be seen. The rest it reads with
 * the next packets, with what it is woken for, or after two seconds.
 */
#define ABI_HINTS_SIZE 1048576u		    /* bytes; power of two */
#define ABI_HINTS_WAIT (ABI_HINTS_SIZE / 4) /* so many wait unread; then it is woken as well */

/* What the daemon wants to be woken for: written by it alone. */
struct wishes {
	__u64 starts; /* for every hint: rules ask what programs were started with */
};

#define ABI_HINT_PATH  1024
#define ABI_HINT_NAME  256 /* one name of it, with its NUL */
#define ABI_HINT_DEPTH 40  /* names and mounts */
#define ABI_HINTED     4096

struct hint {
	__u32 kind;
	__u32 tgid;
	__u64 netns; /* inode number of the process's network namespace */
	struct object_key object;
	__u32 n_names; /* bytes in names that are used */
	__u32 pad;
	char names[ABI_HINT_PATH]; /* the file's name, its directory's, and so on up to the root's
				      first, each with its NUL: where to look, checked against
				      `object` */
};

#define ABI_ARGS 1024

/* A directory that names are resolved in: by identity, and where to look for it. */
struct folder_hint {
	__u64 ino;
	__u32 mount;   /* mnt_id, as in /proc/PID/mountinfo */
	__u32 n_names; /* as in struct hint */
	char names[ABI_HINT_PATH];
};

enum start_flags {
	START_BY_KERNEL =
		1,     /* a script that the kernel found an interpreter for: args is its name */
	START_CUT = 2, /* args is longer than there was room for */
};

struct start_hint {
	__u32 kind;
	__u32 flags; /* enum start_flags */
	struct start start;
	struct folder_hint cwd, root;
	char program[ABI_HINT_NAME]; /* the last name of the program's file */
	__u32 n_args;		     /* bytes in args that are used */
	__u32 pad;
	char args[ABI_ARGS]; /* each with its NUL */
};

/* One line of iter/task_vma: an executable mapping. */
enum vma_flags {
	VMA_ANONYMOUS = 1, /* no file stands behind it, or only behind what was not written to */
	VMA_OBJECT = 2,	   /* a file does; neither: the kernel's own (vdso, uprobes) */
	VMA_PROGRAM = 4,   /* the program's own code begins in it */
	VMA_COUNTED = 8,   /* the kernel counts it among exec_pages */
	VMA_AHEAD = 16,	   /* of the program that the process is about to run: not on record yet */
};

struct vma_rec {
	__u32 pid;   /* a thread that has it: the first may have ended */
	__u32 flags; /* enum vma_flags */
	__u32 tgid;  /* of its process */
	__u32 pad;
	__u64 start, end;
	__u64 exec_pages;	  /* of the whole process, see note_holder */
	struct object_key object; /* with VMA_OBJECT */
};

/*
 * The executable mappings of who sends, as he sends, for the first packet of each state of them:
 * whoever judges it need not have them read when they are others, or gone. Of whom has more, or
 * needs too long to be looked through while he waits, there is none.
 */
#define ABI_SNAPSHOTS	      128  /* the last ones, whoever they are of; power of two */
#define ABI_SNAPSHOT_MAPPINGS 128  /* executable; power of two */
#define ABI_SNAPSHOT_ALL      1024 /* and with those that are not */

struct snapshot {
	__u64 turn;	 /* odd: it is being written; moves with each */
	__u64 start_ns;	 /* of the process, and */
	__u64 map_stamp; /* the state of its mappings: see struct note_holder; 0: this is none */
	__u64 exec_pages;
	__u64 exec_ns;	/* see struct proc_rec */
	__u64 taken_ns; /* CLOCK_BOOTTIME */
	__u32 tgid;
	__u32 n;
	struct vma_rec mapping[ABI_SNAPSHOT_MAPPINGS]; /* in address order */
} __attribute__((aligned(64)));

/* The only value of its map: a ring, of which the next one takes the place of the oldest. */
struct snapshots {
	__u64 begun; /* how many: the next is ring[begun % ABI_SNAPSHOTS] */
	struct snapshot ring[ABI_SNAPSHOTS];
};

/* Losses and work that the kernel side counts: indices into a per-CPU array. */
enum probe_counter {
	PCOUNT_NOTES,
	PCOUNT_NOTE_BUSY, /* not noted: no draft is free on this processor, or it has no ring */
	PCOUNT_PROVEN,
	PCOUNT_UNPROVEN,
	PCOUNT_SOCKS_FULL,
	PCOUNT_PROCS_FULL,
	PCOUNT_HINTS_LOST,
	PCOUNT_CACHE_MISSES,  /* packets that the verdict cache was asked about in vain, and of them
			       */
	PCOUNT_CACHE_EPOCH,   /* those whose socket's verdict was of other rules */
	PCOUNT_CACHE_HOLDERS, /* of other holders, or they may be others */
	PCOUNT_CACHE_MAPPINGS, /* of other mappings of theirs */
	PCOUNT_CACHE_LEASE,    /* too old: what is mapped may have been written to */
	PCOUNT_CACHE_OTHER,    /* of another packet: a UDP socket's with another address */
	PCOUNT_COUNT,
};

/*
 * The fingerprint: a 64-bit mix over addresses, protocol and the first words after the IP header.
 * "After the IP header" is past the IPv4 options, or 40 bytes into an IPv6 packet whatever its next
 * header is; the protocol is that header's protocol or next-header field; the identification is the
 * IPv4 header's, in network order: it tells apart what sockets of one port say alike. Word i is 8
 * bytes in memory order; bytes that the packet does not have are 0.
 *
 * TCP: 2 words (ports, sequence and acknowledgement numbers, flags, window). Others: 5 words, or
 * only 1 (the short print) where the rest was not in the linear part of the kernel's buffer.
 */
#define ABI_PRINT_WORDS_TCP   2
#define ABI_PRINT_WORDS_LONG  5
#define ABI_PRINT_WORDS_SHORT 1

static inline __attribute__((always_inline)) __u64 abi_mix(__u64 h, __u64 word)
{
	h ^= word;
	h *= 0x9e3779b97f4a7c15ull;
	return h ^ (h >> 29);
}

/* addr: saddr and daddr as 16 bytes each in network order, 2 words each, IPv4 in the first 4 bytes.
 */
static inline __attribute__((always_inline)) __u64 abi_print(const __u64 addr[4], __u8 proto,
							     __u16 id, const __u64 *words, int n)
{
	__u64 h = abi_mix(proto | (__u64)id << 8, addr[0]);

	h = abi_mix(h, addr[1]);
	h = abi_mix(h, addr[2]);
	h = abi_mix(h, addr[3]);
	for (int i = 0; i < n; i++)
		h = abi_mix(h, words[i]);
	h = abi_mix(h, n);
	return h ? h : 1;
}

/* The key of a note: the same bytes pass the sender's OUTPUT and, on loopback, the receiver's
 * INPUT. */
static inline __attribute__((always_inline)) __u64 abi_print_at(__u64 print, __u8 hook)
{
	__u64 h = abi_mix(print, hook);

	return h ? h : 1;
}

/* The set of a key, of 2^bits. Multiply-shift: two keys share one with 2 chances in so many,
 * whatever they are, for whom the secret is one. */
static inline __attribute__((always_inline)) __u32 abi_note_set(__u64 at, __u64 secret, __u32 bits)
{
	return at * (secret | 1) >> (64 - bits);
}

#endif
