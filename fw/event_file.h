/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file of lines that is bounded: before it would grow past its limit it is renamed to FILE.1,
 * that to FILE.2, and so on; the oldest goes. A file that somebody else has moved away or removed
 * is made anew. Its calls wait for the disk.
 */
#ifndef FW_EVENT_FILE_H
#define FW_EVENT_FILE_H

#include <stdint.h>

struct event_file;

/* limit: bytes; keep: how many renamed ones stay. 0 or -errno; -EINVAL: it is no regular file. */
int event_file_open(const char *path, uint64_t limit, unsigned int keep, struct event_file **out);
void event_file_close(struct event_file *f); /* NULL is fine */

/* Adds the line and its end, whole or not at all. 0 or -errno. */
int event_file_write(struct event_file *f, const char *line);

#endif
