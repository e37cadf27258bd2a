/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lifts patches that stand --until-unmapped: when the file is another one, or gone, and no process
 * has the object mapped any more. Of the control thread; a file that stands still when it is read
 * holds up a thread of its own, and nobody else.
 */
#ifndef FW_PATCH_WATCH_H
#define FW_PATCH_WATCH_H

struct daemon;
struct patch_watch;

/* Before the control thread runs. 0 or -ENOMEM. */
int patch_watch_new(struct daemon *d, struct patch_watch **out);
void patch_watch_free(
	struct patch_watch *w); /* when its loop does not run any more; NULL is fine */

/* The patches in force are others now. NULL is fine. */
void patch_watch_look(struct patch_watch *w);

#endif
