/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration as text that a person can read and mend: in DIR/rules, where it is saved
 * (fw/store.h), and in what `ctl-fw save` prints.
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
 * All functions touch nothing but their arguments: they can run on any thread.
 */
#ifndef FW_STORE_TEXT_H
#define FW_STORE_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include "ruleset.h"
#include "store_change.h"

#define STORE_ERROR_LEN 256

/* The text, with the policies of all chains, for the caller to free. NULL: no memory. */
char *store_format(const struct ruleset *rs);

/* The same into a stream, whose errors stay in it. A policy that only options state is not written
 * unless `all` is asked for: the options of the next start may be others. */
void store_text_write(FILE *f, const struct ruleset *rs, bool all);

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
 * Hands each set and each rule to `to`. -EBADMSG for a text that is not in the form above, or
 * another -errno, with one line in err that begins with "line N: " and names the word. Some may
 * have been handed over before the fault was found: the caller throws away what it has built.
 */
int store_parse(const char *text, size_t length, const struct store_taker *to,
		char err[STORE_ERROR_LEN]);

struct store_text_rest {
	size_t changes; /* that stand after the end */
	bool cut;	/* the last line was no whole change, and does not count */
};

/*
 * The same from a stream; `where` stands in err instead of "line ". A last line that is no whole
 * change is a fault, or, where `rest` is not NULL, what a crash left of one that was not
 * acknowledged.
 */
int store_text_read(FILE *f, const char *where, const struct store_taker *to,
		    struct store_text_rest *rest, char err[STORE_ERROR_LEN]);

#endif
