/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a function on a loop's thread on behalf of another thread, which waits for it. */
#ifndef FW_MAILBOX_H
#define FW_MAILBOX_H

#include "loop.h"

struct mailbox;

struct mailbox *mailbox_new(struct loop *loop); /* NULL with errno */
void mailbox_free(struct mailbox *m);		/* no caller may be inside; NULL is fine */

/* Returns when fn(cookie) has run on the loop's thread. Not to be called from that thread. */
void mailbox_call(struct mailbox *m, void (*fn)(void *cookie), void *cookie);

#endif
