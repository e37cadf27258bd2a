/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration as text that a person can read and mend: in DIR/rules, where it is saved, and
 * in what `ctl-fw save` prints.
 *
 *   app-fw rules 2
 *   policy OUTPUT DROP              chain and verdict
 *   set\tWEB\tcurl\t-\t-\tHEX\t/usr/bin/curl
 *                                   an item of a named set: set, package, root, until, digest and
 *                                   path, parted by tabs; "-" for none
 *   next-patch 8                    ids of patches below it were given before; only in DIR/rules
 *   patch 7 --cidr 192.0.2.0/24 --port 80 --note CVE
 *                                   a patch: its id, and its canonical text (common/patch.h)
 *   -c OUTPUT -v DROP --set WEB     one canonical rule a line (common/rule.h), in order
 *   end 3                           how many lines: a file cut short is told from a whole one; the
 *                                   number may be left out
 *
 * After the end there may be changes, one a line, numbered and with a checksum (store_change.h):
 * they are made in their order to what stands before. So one change of many rules costs one line.
 *
 * Empty lines and lines that begin with # mean nothing and do not count. Version 1, which has no
 * policies, is read too; where there are patches, or were, it is version 3. A set comes before the
 * patches and rules that name it, its items under each other.
 * `until` is in seconds since 1970: an item whose time is over is not read; nor does any stay
 * longer than SET_GRACE_MAX_S, should the clock have been set back.
 *
 * All functions touch nothing but their arguments: they can run on any thread. store_save and
 * store_load wait for the disk, and must not run on the thread that gives verdicts.
 */
#ifndef FW_STORE_H
#define FW_STORE_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/mode.h"
#include "ruleset.h"
#include "store_change.h"

#define STORE_FILE	"rules"
#define STORE_MODE	"mode"
#define STORE_ERROR_LEN 256

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

/* The same text, with the policies of all chains, for the caller to free. NULL: no memory. */
char *store_format(const struct ruleset *rs);

/* Who takes what was saved, in its order. Each returns 0 or -errno. */
struct store_taker {
	int (*policy)(void *cookie, enum chain chain, enum verdict policy);
	int (*set)(void *cookie, struct set *set); /* with a reference of its own if it keeps it */
	int (*next_patch)(void *cookie, uint64_t id);
	int (*patch)(void *cookie, const struct patch *patch);
	int (*rule)(void *cookie, const struct rule *rule);
	/* After all rules. NULL: a text with changes is refused. */
	int (*change)(void *cookie, const struct store_change *change);
	void *cookie;
};

/*
 * Hands each set and each rule to `to`. No file: 0, and nothing.
 * -errno otherwise, -EBADMSG for a file that is not in the form above, with one line in err that
 * names file, line and word. Some may have been handed over before the fault was found: the caller
 * throws away what it has built. A last line that is no whole change is what a crash left of one
 * that was not acknowledged: it does not count, and the tail says so.
 */
int store_load(const char *dir, const struct store_taker *to, struct store_tail *tail,
	       char err[STORE_ERROR_LEN]);

/* The same from text; the line in err begins with "line N: ". */
int store_parse(const char *text, size_t length, const struct store_taker *to,
		char err[STORE_ERROR_LEN]);

#endif
