/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The whole terminal for a while; it is as it was when that is over, by a key or by a signal. */
#ifndef CTL_SCREEN_H
#define CTL_SCREEN_H

#include <stdbool.h>

/* Whether standard output is a terminal. */
bool screen_is_there(void);

void screen_open(void);
void screen_close(void);

/* How large it is now; 24 and 80 where it does not say. */
void screen_size(unsigned int *rows, unsigned int *columns);

/* Puts the text on it, lines ended by "\n", from the upper left corner. */
void screen_show(const char *text);

/* Waits; false: somebody wants it to end, by SIGINT, SIGTERM, SIGHUP or the key "q". */
bool screen_wait(int ms);

#endif
