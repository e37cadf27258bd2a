/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the descriptors of every process into the socket records, on a thread of its own: with
 * hundreds of thousands of descriptors it takes long, and no packet but those that ask for it
 * waits. It rests SCANNER_REST times as long as it worked, so that nobody can keep it busy.
 */
#ifndef FW_SCANNER_H
#define FW_SCANNER_H

#include <stdint.h>

#include "loop.h"
#include "probe.h"

#define SCANNER_REST 4

struct scanner;

/* `done` is called on the loop after a scan. NULL with errno. */
struct scanner *scanner_new(struct loop *loop, struct probe *probe, void (*done)(void *cookie),
			    void *cookie);
void scanner_free(struct scanner *s); /* waits for a scan that runs; NULL is fine */

/* When the newest complete scan began, CLOCK_BOOTTIME in ns; 0: there was none. */
uint64_t scanner_began_ns(const struct scanner *s);

/* Asks for a scan that begins after now. */
void scanner_request(struct scanner *s);

/* How many there were. */
uint64_t scanner_count(const struct scanner *s);

#endif
