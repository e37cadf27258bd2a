/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file that a script is: found by its name as the program was given it, and hashed, unless it
 * is known. May block as long as a file system likes; for any number of threads.
 */
#ifndef FW_SCRIPT_FILE_H
#define FW_SCRIPT_FILE_H

#include "common/hex.h"
#include "probe.h"
#include "script_start.h"

#define SCRIPT_BYTES_MAX (64ull << 20) /* a larger one is not known */

/* What was found. error, -errno: why there is no digest. */
struct script_found {
	int error;
	bool certain; /* the name is the one that the program was started with */
	bool hashed;  /* and not known from before */
	struct sha256 digest;
	uint64_t changed_ns; /* CLOCK_REALTIME: since then it, and what its name leads to, have not
			      */
	char *path;	     /* the caller's to free; NULL: not known */
};

struct script_files;

struct script_files *script_files_new(struct probe *probe); /* NULL: no memory */
void script_files_free(struct script_files *f);		    /* NULL is fine */

/* pid: a process that did that execve, or was forked from one since. */
void script_files_find(struct script_files *f, const struct script_start *st, uint32_t pid,
		       struct script_found *out);

#endif
