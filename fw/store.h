/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration on the disk, in files that a person can read and mend: the rules (DIR/rules, as
 * fw/store_text.h has it), the mode, and others.
 *
 * All functions touch nothing but their arguments: they can run on any thread. store_save and
 * store_load wait for the disk, and must not run on the thread that gives verdicts.
 */
#ifndef FW_STORE_H
#define FW_STORE_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/mode.h"
#include "store_text.h"

#define STORE_FILE "rules"
#define STORE_MODE "mode"

/* So many changes may stand after the end: reading them must not make a start long. */
#define STORE_CHANGES_MAX 1000

/*
 * Where the next change can be put: what the file was when it was last written or read here. All
 * zero: nowhere, the file has to be written as a whole first. It is so after any failure, and for
 * a file that another has touched since.
 */
struct store_tail {
	bool open;
	dev_t dev;
	ino_t ino;
	off_t size;
	size_t changes; /* that stand after the end */
	bool cut;	/* store_load: the last line was no whole change, and does not count */
};

/*
 * Writes the rules of all chains so that a crash at any moment leaves the old file or the new one,
 * whole; when it returns 0 the new one is on the disk. Makes DIR (mode 0700), not its parents.
 * One caller at a time per DIR. 0 or -errno: the old file is still there, or (when only the last
 * step failed) the new one is, but may not outlive a crash.
 */
int store_save(const char *dir, const struct ruleset *rs, struct store_tail *tail);

/*
 * Puts a change at the end of the file that store_save() or store_load() left; when it returns 0
 * the change is on the disk. The rules that it changes must be those of the file.
 * -EAGAIN: this file takes no change (see the tail), or has STORE_CHANGES_MAX: store_save() is due.
 * Another -errno: it failed; the file is as it was, and takes no change until it is saved again.
 */
int store_append(const char *dir, const struct store_change *c, struct store_tail *tail);

/* The mode, in a file of its own, DIR/mode: in the same way. */
int store_save_mode(const char *dir, enum mode mode);

/* Any other text in a file of its own, DIR/name: in the same way. */
int store_save_text(const char *dir, const char *name, const char *text);

/* No file: 0, and *out is untouched. -errno otherwise, with one line in err. */
int store_load_mode(const char *dir, enum mode *out, char err[STORE_ERROR_LEN]);

/*
 * Hands each set and each rule to `to`. No file: 0, and nothing.
 * -errno otherwise, -EBADMSG for a text that is not in its form, with one line in err that
 * names file, line and word. Some may have been handed over before the fault was found: the caller
 * throws away what it has built. A last line that is no whole change is what a crash left of one
 * that was not acknowledged: it does not count, and the tail says so.
 */
int store_load(const char *dir, const struct store_taker *to, struct store_tail *tail,
	       char err[STORE_ERROR_LEN]);

#endif
