/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fw/loop.h for a single thread that turns it by hand, where no time goes by but when it is told.
 */
#ifndef TESTS_BARE_LOOP_H
#define TESTS_BARE_LOOP_H

#include <stdbool.h>

#include "fw/loop.h"

/* Calls whoever waits for what has come by now, once each. Returns whether there was any. */
bool bare_loop_turn(struct loop *l);

/* Lets the time of each armed timer be over. */
void bare_loop_expire(struct loop *l);

#endif
