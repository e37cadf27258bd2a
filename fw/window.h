/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file's bytes in memory, a part at a time, without a copy of them. Only for files on this
 * machine: a page that does not come holds up all who change this process's mappings.
 */
#ifndef FW_WINDOW_H
#define FW_WINDOW_H

#include <stddef.h>
#include <sys/types.h>

#define WINDOW_SIZE (1024 * 1024)

/* 0 to go on. It must own nothing when it touches the bytes: they may be gone, and it with them. */
typedef int window_fn(void *cookie, const unsigned char *bytes, size_t n);

/*
 * Calls fn for the bytes from 0 to size, in order; all calls but the last have WINDOW_SIZE of them.
 * 0; what fn returned; -EIO: the file is shorter than that by now, or its medium fails; else
 * -errno. SIGBUS (mmap(2)) is handled here, in any thread.
 */
int window_each(int fd, off_t size, window_fn *fn, void *cookie);

#endif
