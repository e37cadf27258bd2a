/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose packet it is, as decide() sees it: plain data, filled by owner.c.
 */
#ifndef FW_HOLDER_H
#define FW_HOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/rule.h"
#include "objset.h"

#define HOLDERS_MAX 1040 /* a socket held by more processes than this is of unknown origin */

/* What is known of the script that an interpreter was started with. */
enum script_state {
	SCRIPT_UNKNOWN, /* there may be one */
	SCRIPT_NONE,	/* there is none */
	SCRIPT_SEEN, /* it was there as the interpreter started; whether that read it is not shown
		      */
	SCRIPT_KNOWN,
};

struct script {
	enum script_state state;
	struct sha256 digest; /* SCRIPT_SEEN and SCRIPT_KNOWN */
};

/* What a process can change of itself: as it was when the packet was judged. */
struct facts {
	bool known;
	uint32_t uid, gid; /* the effective ones */
	char comm[RULE_COMM_MAX + 1];
	const char *cgroups; /* see cgroup_text.h; not owned; NULL: not known */
	uint32_t ppid;
};

struct holder {
	uint32_t pid;		      /* thread group id in the initial pid namespace */
	uint64_t start_ns;	      /* CLOCK_BOOTTIME of its start: tells a reused pid apart */
	uint64_t map_stamp;	      /* of its mappings, as the packet was sent */
	const struct objset *objects; /* not owned; never NULL for a known origin */
	struct script script;
	struct facts facts;
};

struct holders {
	enum origin origin;
	uint64_t netns;	 /* inode number of the socket's network namespace; 0 unknown */
	uint64_t cookie; /* of the socket (SO_COOKIE); 0: unknown, or they are several */
	bool several;	 /* sockets, each of which some of these hold */
	bool has_uid;	 /* it is known who opened the socket: */
	uint32_t uid, gid;
	/* >= 1 for ORIGIN_KNOWN, 0 for ORIGIN_KERNEL; ORIGIN_UNKNOWN: those that are certain */
	size_t n;
	struct holder h[HOLDERS_MAX];
};

#endif
