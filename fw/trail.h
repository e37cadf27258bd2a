/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way that a name leads, step by step, and when it was last changed: whoever resolved the same
 * name after that came to the same file. What is asked may block as long as a file system likes.
 */
#ifndef FW_TRAIL_H
#define FW_TRAIL_H

#include <stdint.h>
#include <sys/stat.h>

/* A directory by identity; ino 0: any. */
struct folder {
	uint64_t ino;
	uint32_t mount;	  /* mnt_id */
	const char *path; /* where else it may be found; or NULL */
};

/*
 * Opens (O_PATH) a folder of a process, "cwd" or "root": by the link in /proc (pid 0: not), or else
 * by path.
 * -ESRCH: neither is that folder.
 */
int trail_folder(uint32_t pid, const char *which, const struct folder *folder);

/*
 * Follows path from cwd, or from root if it is absolute, without leaving root. Returns a
 * descriptor (O_PATH) of a regular file, or -errno. *changed_ns (CLOCK_REALTIME): since then
 * neither the file nor what the name leads to has changed, but by mounts. A step is proven by the
 * ctime of what it leads to, which rename(2) and link(2) change too, or by that of the folder that
 * it is made in; the file's own ctime counts in any case.
 * -EXDEV: it leads through a link that the kernel makes up (/proc/PID/fd/N).
 */
int trail_follow(int root, int cwd, const char *path, uint64_t *changed_ns);

uint64_t trail_ctime_ns(const struct stat *st);

#endif
