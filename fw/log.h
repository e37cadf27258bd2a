/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines on standard error, written by a thread of their own: a reader that stalls stalls nobody.
 * What does not fit the buffer is left out and counted in the next line that does.
 */
#ifndef FW_LOG_H
#define FW_LOG_H

int log_start(void); /* 0 or -errno; before it, lines are written directly */
void log_stop(void); /* writes what is left, at most for a second */

/* One line, cut at 511 bytes; what is not printable UTF-8 becomes '?'. Any thread. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
