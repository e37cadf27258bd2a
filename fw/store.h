/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The saved rules, DIR/rules: text that a person can read and mend.
 *
 *   app-fw rules 1
 *   -c OUTPUT -v DROP --dport 25        one canonical rule a line (common/rule.h), in order
 *   end 1                               how many: a file cut short is told from a whole one
 *
 * Both functions wait for the disk and touch nothing but their arguments: they can run on any
 * thread, and save must not run on the one that gives verdicts.
 */
#ifndef FW_STORE_H
#define FW_STORE_H

#include "ruleset.h"

#define STORE_FILE	"rules"
#define STORE_ERROR_LEN 256

/*
 * Writes the rules of all chains so that a crash at any moment leaves the old file or the new one,
 * whole; when it returns 0 the new one is on the disk. Makes DIR (mode 0700), not its parents.
 * One caller at a time per DIR. 0 or -errno: the old file is still there, or (when only the last
 * step failed) the new one is, but may not outlive a crash.
 */
int store_save(const char *dir, const struct ruleset *rs);

/*
 * Hands each rule to add(), which returns 0 or -errno. No file: 0, and no rule.
 * -errno otherwise, -EBADMSG for a file that is not in the form above, with one line in err that
 * names file, line and word. add() may have been called before the fault was found: the caller
 * throws away what it has built.
 */
int store_load(const char *dir, int (*add)(void *cookie, const struct rule *rule), void *cookie,
	       char err[STORE_ERROR_LEN]);

#endif
