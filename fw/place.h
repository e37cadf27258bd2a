/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the file of an object may be found, and the proof that a file is that object. Everything
 * here may block for as long as a file system likes: it is for the threads of object.c.
 */
#ifndef FW_PLACE_H
#define FW_PLACE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/probe_abi.h"

/* What is known is tried, in the order of the members. */
struct place {
	uint32_t pid;	     /* of a process that has it, or had it */
	uint64_t start, end; /* mapped there; 0: not known */
	bool exe;	     /* as the program that it runs */
	char *path; /* under this name, as the process sees it or as we do; or NULL. Owned */
};

/* The identity that the kernel gives to what a mapping of fd maps: 0 or -errno. Any thread. */
struct identify {
	int (*fn)(void *cookie, int fd, struct object_key *out);
	void *cookie;
};

/*
 * Opens the object. Returns a descriptor that place_check holds for, and in path the name for
 * display; or -errno of the last try.
 */
int place_open(const struct place *p, const struct object_key *key, const struct identify *by,
	       char path[PATH_MAX]);

/*
 * 0 if fd is the object of that key, else -ESTALE or another -errno. Where user space is given
 * another device number than the kernel uses (overlayfs, btrfs), `by` is asked.
 */
int place_check(int fd, const struct object_key *key, const struct identify *by);

#endif
